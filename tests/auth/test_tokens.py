import base64
import json

import jwt
import pytest

from auth.tokens import (
    AUDIENCE,
    ISSUER,
    AccessClaims,
    derive,
    read_access_token,
    sign_access_token,
)

KEY = b"k" * 64
NOW = 1_600_000_000.0
LATER = NOW + 200_000_000
GOOD = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "7",
    "sid": "s",
    "typ": "access",
    "jti": "j",
    "iat": 1_600_000_000,
    "exp": 4_000_000_000,
}


def encode(payload, key=KEY, algorithm="HS256", headers=None):
    return jwt.encode(payload, key, algorithm=algorithm, headers=headers)


def unsigned(payload, header):
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, payload)]
    return ".".join([*parts, ""])


def claims_at(token, now_s=LATER):
    """Return whose token it is at a time."""
    read = read_access_token(KEY, token)
    return read.claims if read is not None and read.holds_at(now_s) else None


def test_what_was_signed_is_read():
    token = sign_access_token(KEY, AccessClaims(7, "s"), NOW, 4_000_000_000)
    assert claims_at(token) == AccessClaims(7, "s")
    assert claims_at(encode(GOOD)) == AccessClaims(7, "s")


FORGERIES = {
    "empty": "",
    "not a token": "a.b.c",
    "one part": "abc",
    "bad base64": "!!!.???.***",
    "null bytes": "\0.\0.\0",
    "huge": "a" * 1_000_000,
    "other key": encode(GOOD, b"x" * 64),
    "expired": encode(GOOD | {"exp": 1_700_000_000}),
    "from the future": encode(GOOD | {"iat": 3_900_000_000}),
    "not yet valid": encode(GOOD | {"nbf": 3_900_000_000}),
    "ends at no number": encode(GOOD | {"exp": "4000000000"}),
    "ends never": encode(GOOD | {"exp": float("inf")}),
    "ends at nothing": encode(GOOD | {"exp": float("nan")}),
    "ends at true": encode(GOOD | {"exp": True}),
    "begins at a list": encode(GOOD | {"nbf": [1]}),
    "other issuer": encode(GOOD | {"iss": "someone"}),
    "other audience": encode(GOOD | {"aud": "someone"}),
    "several audiences, not ours": encode(GOOD | {"aud": ["a", "b"]}),
    "refresh used as access": encode(GOOD | {"typ": "refresh"}),
    "type is a list": encode(GOOD | {"typ": ["access"]}),
    "session is a number": encode(GOOD | {"sid": 5}),
    "user is no number": encode(GOOD | {"sub": "seven"}),
    "other algorithm": encode(GOOD, algorithm="HS512"),
    "unsigned": unsigned(GOOD, {"alg": "none", "typ": "JWT"}),
    "unsigned, capitals": unsigned(GOOD, {"alg": "NONE"}),
    "no algorithm": unsigned(GOOD, {"typ": "JWT"}),
    "key in the header": encode(GOOD, b"x" * 64, headers={"jwk": {"kty": "oct", "k": "eHh4"}}),
    "key by address": encode(GOOD, b"x" * 64, headers={"jku": "http://127.0.0.1/keys", "kid": "../../x"}),
    "critical header": encode(GOOD, headers={"crit": ["b64"], "b64": False}),
} | {f"no {claim}": encode({name: value for name, value in GOOD.items() if name != claim}) for claim in GOOD}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_nobodys(name):
    assert claims_at(FORGERIES[name]) is None


MOMENTS = {"spring forward": 1_774_746_000, "autumn back": 1_792_890_000, "leap day": 1_835_438_400, "some day": NOW}


@pytest.mark.parametrize("made_at", MOMENTS.values(), ids=MOMENTS)
def test_a_token_lives_as_long_as_it_was_made_for_whatever_the_clock_of_this_process_says(made_at):
    token = sign_access_token(KEY, AccessClaims(7, "s"), made_at, 600)
    held = [after_s for after_s in range(-60, 700) if claims_at(token, made_at + after_s) is not None]
    assert held == list(range(-5, 605))


def test_each_part_of_a_token_counts():
    head, payload, signature = encode(GOOD).split(".")
    swapped = encode(GOOD | {"sub": "8"}).split(".")[1]
    assert claims_at(f"{head}.{swapped}.{signature}") is None
    assert claims_at(f"{head}.{payload}.{signature[:-2]}AA") is None
    assert claims_at(f"{head}.{payload}.") is None


def test_each_purpose_has_its_own_secret():
    assert derive(KEY, "csrf", "v") != derive(KEY, "refresh", "v")
    assert derive(KEY, "csrf", "v") != derive(b"x" * 64, "csrf", "v")
    assert derive(KEY, "csrf", "v") == derive(KEY, "csrf", "v")
