"""Forged access tokens at the real door. Each is right in all but one thing: user, session and times are real."""

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth.principals import Scope
from auth.tokens import AUDIENCE, ISSUER, TOKEN_MAX_LENGTH
from tests.support.people import make_person
from webapp.services import sessions
from webapp.services.api_keys import create_key

KEY = b"k" * 40
"""That of `shared_api`: a forger does not have it, but what it signs must be right nevertheless."""
FUTURE, PAST = 4_000_000_000, 1_600_000_000
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
RSA_PUBLIC = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
RSA_JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key()))


def encoded(part):
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hmac_of(key, text, digest=hashlib.sha256):
    return encoded(hmac.new(key, text.encode(), digest).digest())


def by_hand(header, payload, key=KEY):
    """Sign whatever it is, as no library would."""
    text = f"{encoded(header)}.{encoded(payload)}"
    return f"{text}.{hmac_of(key, text)}"


def unsigned(header, payload, signature=""):
    return f"{encoded(header)}.{encoded(payload)}.{signature}"


def forgeries(good, other):
    """Return tokens by name; `good` is the payload of a real one, `other` that of another person."""

    def signed(payload=good, key=KEY, algorithm="HS256", **header):
        return jwt.encode(payload, key, algorithm=algorithm, headers=header)

    def but(**claims):
        return signed(good | claims)

    head, body, mark = signed().split(".")
    hs256, hs512 = ({"alg": name, "typ": "JWT"} for name in ("HS256", "HS512"))
    found = {
        **{f"alg {alg!r}": unsigned({"alg": alg, "typ": "JWT"}, good) for alg in ("none", "None", "NONE", "nOnE", "")},
        **{f"alg {alg!r}": by_hand({"alg": alg}, good) for alg in (None, ["HS256"], {"a": 1}, 256, "HS256 ", "hs256")},
        "alg missing": by_hand({"typ": "JWT"}, good),
        "alg none with our signature": by_hand({"alg": "none"}, good),
        "alg twice": f"{encoded(b'{"alg":"HS256","alg":"none"}')}.{body}.",
        "signature left out": f"{head}.{body}.",
        "signature and dot left out": f"{head}.{body}",
        "signature of another token": f"{head}.{body}.{signed(other).rpartition('.')[2]}",
        "signature cut": f"{head}.{body}.{mark[:-4]}",
        "signature of zeros": f"{head}.{body}.{encoded(bytes(32))}",
        "payload of another person": f"{head}.{encoded(other)}.{mark}",
        "header changed": f"{encoded(hs256 | {'kid': 'x'})}.{body}.{mark}",
        "HS384 with our key": signed(key=KEY + b"k" * 24, algorithm="HS384"),
        "HS512 with our key": signed(key=KEY + b"k" * 24, algorithm="HS512"),
        "HS512 by hand": unsigned(hs512, good, hmac_of(KEY, f"{encoded(hs512)}.{body}", hashlib.sha512)),
        "RS256, own key": signed(key=RSA, algorithm="RS256"),
        "PS256, own key": signed(key=RSA, algorithm="PS256"),
        "ES256, own key": signed(key=EC, algorithm="ES256"),
        "EdDSA, own key": signed(key=ed25519.Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        "ES256 of zeros": unsigned({"alg": "ES256"}, good, encoded(bytes(64))),
        "HS256 with a public key": by_hand(hs256, good, RSA_PUBLIC),
        "HS256 with an empty key": by_hand(hs256, good, b""),
        "HS256 with a guessed key": by_hand(hs256, good, b"secret"),
        "jwk in the header": signed(key=RSA, algorithm="RS256", jwk=RSA_JWK),
        "jwk in the header, symmetric": by_hand(hs256 | {"jwk": {"kty": "oct", "k": encoded(b"x")}}, good, b"x"),
        "jku in the header": signed(key=RSA, algorithm="RS256", jku="http://127.0.0.1:1/keys", kid="a"),
        "x5u in the header": signed(key=RSA, algorithm="RS256", x5u="http://127.0.0.1:1/cert"),
        "x5c in the header": signed(key=RSA, algorithm="RS256", x5c=[encoded(RSA_PUBLIC)]),
        "kid is a path": by_hand(hs256 | {"kid": "../../../../dev/null"}, good, b""),
        "kid is SQL": by_hand(hs256 | {"kid": "x' UNION SELECT 'x"}, good, b"x"),
        "kid is a list": by_hand(hs256 | {"kid": ["x"]}, good, b"x"),
        "unknown critical header": by_hand(hs256 | {"crit": ["exp"], "exp": 1}, good),
        "payload not encoded": by_hand(hs256 | {"crit": ["b64"], "b64": False}, good),
        "other audience": but(aud="somebody"),
        "other audiences": but(aud=["a", "b"]),
        "audience null": but(aud=None),
        "audience cut": but(aud=AUDIENCE[:-4]),
        "other issuer": by_hand(hs256, good | {"iss": "somebody"}),
        "issuer longer": by_hand(hs256, good | {"iss": ISSUER + ".evil.example"}),
        "issuers": by_hand(hs256, good | {"iss": [ISSUER]}),
        "typ refresh": but(typ="refresh"),
        "typ list": but(typ=["access"]),
        "expired": but(exp=PAST),
        **{
            f"exp {value!r}": by_hand(hs256, good | {"exp": value})
            for value in (None, "never", "", [], {}, 0, -1, float("inf"), float("-inf"), float("nan"))
        },
        "nbf in the future": but(nbf=FUTURE),
        "nbf no number": by_hand(hs256, good | {"nbf": "now"}),
        "nbf endless": by_hand(hs256, good | {"nbf": float("inf")}),
        "iat in the future": but(iat=FUTURE - 1),
        "iat no number": by_hand(hs256, good | {"iat": "now"}),
        "iat endless": by_hand(hs256, good | {"iat": float("inf")}),
        "sub of another": but(sub=other["sub"]),
        **{
            f"sub {str(value)[:12]!r}": by_hand(hs256, good | {"sub": value})
            for value in (int(good["sub"]), f"{good['sub']}.0", "", "-1", "0x1", ["1"], "9" * 900, "\0")
        },
        "sid of another": but(sid=other["sid"]),
        **{
            f"sid {value!r}": by_hand(hs256, good | {"sid": value})
            for value in ("", None, ["x"], 7, "x' OR '1'='1", "\0")
        },
        "payload a list": by_hand(hs256, [good]),
        "payload text": by_hand(hs256, b"hello"),
        "payload no UTF-8": by_hand(hs256, b"\xff\xfe"),
        "payload deep": by_hand(hs256, b"[" * 1200),
        "header a list": f"{encoded([hs256])}.{body}.{mark}",
        "header deep": f"{encoded(b'[' * 1200)}.{body}.{mark}",
        "header no UTF-8": f"{encoded(b'{}' + bytes([255]))}.{body}.{mark}",
        "four parts": f"{head}.{body}.{mark}.{mark}",
        "encrypted in form": f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}..{encoded(bytes(12))}.{body}.{mark}",
        "compressed in form": by_hand(hs256 | {"zip": "DEF"}, b"\x78\x9c\x03\x00"),
        "bad base64": "!!!.???.***",
        "base64 of another kind": f"{head}.{body}.{'+/' * 21}=",
        "dots alone": "..",
        "many dots": "." * 500,
        "a little too long": by_hand(hs256, good | {"padding": "x" * TOKEN_MAX_LENGTH}),
        "1 MB": f"{head}.{body}.{'A' * 1_000_000}",
        "blank inside": f"{head}. {body}.{mark}",
        "Bearer twice": f"Bearer {head}.{body}.{mark}",
        "letters of other alphabets": f"{head}.{body}.é{mark}",
    }
    found |= {f"no {claim}": signed({name: value for name, value in good.items() if name != claim}) for claim in good}
    return found


@pytest.fixture(scope="module")
def people(shared_api):
    """Two people who are signed in: tokens and payloads."""
    pairs = [sessions.issue_tokens(shared_api.resources, make_person(shared_api.resources, name)) for name in "ab"]
    payloads = [jwt.decode(pair.access_token, KEY, ["HS256"], audience=AUDIENCE) for pair in pairs]
    return pairs, payloads


def test_no_forged_token_is_accepted_and_none_upsets_the_server(shared_api, people):
    pairs, (good, other) = people
    ended = sessions.issue_tokens(shared_api.resources, ended_person := make_person(shared_api.resources, "ended"))
    sessions.close_session(shared_api.resources, ended.refresh_token.partition(".")[0])
    browser = sessions.open_browser_session(shared_api.resources, ended_person)
    table = forgeries(good, other) | {
        "refresh token": pairs[0].refresh_token,
        "secret of a refresh token": pairs[0].refresh_token.partition(".")[2],
        "session that has ended": ended.access_token,
        "cookie": browser.cookie_value,
        "token against forgery": browser.csrf_token,
        "API key": create_key(shared_api.resources, ended_person, "key", {Scope.READ}).key,
    }
    assert len(table) >= 100
    client = shared_api.anonymous()
    real = {"Authorization": f"Bearer {pairs[0].access_token}"}
    assert client.get("/api/v1/auth/me", headers=real).json()["user_id"] == int(good["sub"])
    again = {"Authorization": f"Bearer {jwt.encode(good, KEY, algorithm='HS256')}"}
    assert client.get("/api/v1/auth/me", headers=again).status_code == 200, "the payload that is changed is good"
    wrong = {}
    for name, token in table.items():
        answer = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}".encode()})
        plain_refusal = answer.status_code == 401 and answer.json()["code"] == "NotSignedIn"
        too_long = len(token) > 60_000 and answer.status_code in (400, 431)
        if not (plain_refusal or too_long):
            wrong[name] = answer.status_code
    assert not wrong, f"{len(wrong)} of {len(table)}"


def test_an_access_token_is_over_in_time(shared_api, people):
    _, (good, _) = people
    client = shared_api.anonymous()
    for age_s, status in ((4, 200), (7, 401)):  # five seconds of difference between clocks are allowed
        token = jwt.encode(good | {"exp": int(time.time()) - age_s}, KEY, algorithm="HS256")
        assert client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code == status
