"""Signing in by an OpenID Connect provider, which is a real one in a process of its own; and what attackers try."""

import html
import re
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select, update

from auth.principals import SYSTEM, Role
from models.audit import AuditEntry
from models.oidc_identity import OidcIdentity
from models.user import User
from tests.conftest import NO_LIMITS
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, PASSWORD
from tests.support.processes import environment, running, wait_until
from webapp import identity_provider
from webapp.api.routes import oidc
from webapp.settings import load_settings

ERIN = {"sub": "person-1", "email": "Erin@maps.example", "email_verified": True, "preferred_username": "erin.s"}
WEB = httpx.Client(timeout=60)
"""What goes to the provider; made once, as each client reads all certificates of the machine."""
sqlite_only = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@dataclass
class Provider:
    """The provider's process, from outside."""

    issuer: str

    def control(self, **wish):
        return WEB.post(f"{self.issuer}/control", json=wish).json()


@pytest.fixture(scope="module")
def provider_process(tmp_path_factory):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("provider") / "log"
    found = Provider(f"http://127.0.0.1:{port}")
    with running(("-m", "tests.support.oidc_provider", str(port)), environment(load_settings()), log):

        def answers():
            try:
                return WEB.get(f"{found.issuer}/keys").is_success
            except httpx.TransportError:
                return False

        wait_until(answers, 60, "the provider answers")
        yield found
    WEB.close()


@pytest.fixture
def provider(provider_process):
    provider_process.control(people={"erin": ERIN}, lie={})
    return provider_process


@pytest.fixture
def oidc_settings(provider):
    return {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_name": "City <login>",
        "secret_key": "k" * 40,
    }


@pytest.fixture
def open_api(make_resources, serve, provider, oidc_settings):
    """Serve an installation that knows the provider; keyword arguments are settings."""

    def start(**settings):
        api = serve(make_resources(**(oidc_settings | settings)))
        provider.control(return_addresses=[f"{api.url}/login/oidc/callback"])
        return api

    return start


@pytest.fixture
def api(open_api):
    return open_api()


def add_person(api, username="erin", email="erin@maps.example", role=Role.USER):
    with api.resources.database.write(SYSTEM) as session:
        user = User(username=username, email=email, password_hash="none", role=str(role))
        session.add(user)
        session.flush()
        return user.id


def at_provider(address, username="erin", password=PASSWORD):
    """Sign in at the provider as a browser does; return where it sends the browser."""
    form = WEB.get(address)
    assert form.status_code == 200, form.text
    action = html.unescape(re.search(r'action="([^"]+)"', form.text).group(1))
    answer = WEB.post(httpx.URL(address).join(action), data={"username": username, "password": password})
    assert answer.status_code == 303
    return answer.headers["location"]


def leave(api, path="/login/oidc"):
    """Click the button; return the browser and where it is sent."""
    browser = api.anonymous()
    answer = browser.get(path)
    assert answer.status_code == 303, answer.text
    return browser, answer


def go_there_and_back(api, path="/login/oidc", **person):
    browser, answer = leave(api, path)
    return browser, browser.get(at_provider(answer.headers["location"], **person))


def alert_of(answer):
    assert "set-cookie" not in answer.headers or "bf_session" not in answer.headers["set-cookie"]
    return html.unescape(re.search(r'role="alert">([^<]*)<', answer.text).group(1))


def audit_of(api):
    with api.resources.database.read(SYSTEM) as session:
        return [(row.action, row.detail) for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def test_who_has_an_account_comes_in_by_the_provider_and_is_linked(api, provider):
    user_id = add_person(api)
    assert 'href="/login/oidc?next=/jobs"' in api.anonymous().get("/login?next=/jobs").text
    browser, answer = leave(api, "/login/oidc?next=/jobs%3Fa=1")
    kept = answer.headers["set-cookie"]
    assert all(word in kept for word in ("HttpOnly", "SameSite=lax", "Path=/login/oidc", "Max-Age=600"))
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["scope"] == ["openid email profile"]
    assert (len(asked["state"][0]), len(asked["nonce"][0]), asked["code_challenge_method"]) == (43, 43, ["S256"])

    answer = browser.get(at_provider(answer.headers["location"]))

    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?a=1")
    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == ["bf_session", "bf_oidc"]
    assert 'bf_oidc=""' in cookies[1]
    assert all(word in cookies[0] for word in ("HttpOnly", "SameSite=lax", "Path=/;"))
    me = browser.get("/api/v1/auth/me").json()
    assert (me["user_id"], me["username"]) == (user_id, "erin")
    with api.resources.database.read(SYSTEM) as session:
        link = session.scalars(select(OidcIdentity)).one()
        assert (link.issuer, link.subject, link.user_id) == (provider.issuer, "person-1", user_id)
    assert [action for action, _ in audit_of(api)] == ["oidc.linked", "oidc.signed_in"]


def test_a_link_outlives_the_address_on_both_sides(api, provider):
    user_id = add_person(api)
    assert go_there_and_back(api)[1].status_code == 303
    provider.control(people={"erin": ERIN | {"email": "new@maps.example", "email_verified": False}})
    with api.resources.database.write(SYSTEM) as session:
        session.execute(update(User).values(email="other@maps.example"))
    browser, answer = go_there_and_back(api)
    assert (answer.status_code, browser.get("/api/v1/auth/me").json()["user_id"]) == (303, user_id)


def test_the_address_may_be_told_beside_the_token(api, provider):
    user_id = add_person(api)
    provider.control(lie={"without": ["email", "email_verified", "preferred_username"]})
    browser, answer = go_there_and_back(api)
    assert (answer.status_code, browser.get("/api/v1/auth/me").json()["user_id"]) == (303, user_id)


@sqlite_only
def test_an_address_that_nobody_checked_is_not_taken_from_beside_the_token_either(api, provider):
    add_person(api)
    provider.control(lie={"without": ["email"], "userinfo": {"email_verified": False}})
    _, answer = go_there_and_back(api)
    assert (answer.status_code, "has not checked" in alert_of(answer)) == (403, True)


def test_an_address_that_passed_to_somebody_else_opens_nothing(api, provider):
    add_person(api)
    assert go_there_and_back(api)[1].status_code == 303
    provider.control(people={"eve": ERIN | {"sub": "person-2"}})
    _, answer = go_there_and_back(api, username="eve")
    assert (answer.status_code, "no account here" in alert_of(answer)) == (403, True)


def test_who_has_no_account_gets_one_only_where_that_is_set(open_api, provider):
    _, answer = go_there_and_back(closed := open_api())
    assert answer.status_code == 403
    assert alert_of(answer).startswith("You have no account here that is open to erin@maps.example.")
    [(action, detail)] = audit_of(closed)
    assert (action, detail["code"], detail["email"]) == ("oidc.refused", "OidcNoAccount", "erin@maps.example")
    api = open_api(oidc_creates_accounts=True)
    add_person(api, "erin.s", email=None)  # the name is taken
    browser, answer = go_there_and_back(api)
    assert answer.status_code == 303
    me = browser.get("/api/v1/auth/me").json()
    assert (me["username"], me["role"]) == ("erin.s-2", "user")
    assert [one for one, _ in audit_of(api)][-3:] == ["account.created", "oidc.linked", "oidc.signed_in"]
    again, answer = go_there_and_back(api)
    assert again.get("/api/v1/auth/me").json()["user_id"] == me["user_id"]
    password = {"username": "erin.s-2", "password": "none"}
    assert api.anonymous().post("/api/v1/auth/login", json=password).status_code == 401


def test_who_is_shut_out_stays_out(api, administrator):
    user_id = add_person(api)
    browser, _ = go_there_and_back(api)
    root = api.program(administrator)
    root.patch(f"/api/v1/admin/users/{user_id}", json={"is_active": False})
    wait_until(lambda: browser.get("/api/v1/auth/me").status_code == 401, 1.0, "the session ends")
    _, answer = go_there_and_back(api)
    assert (answer.status_code, "no account here" in alert_of(answer)) == (403, True)


@pytest.mark.parametrize("creates", [False, True])
@pytest.mark.parametrize("verified", [False, None, "yes", 1])
@sqlite_only
def test_an_address_that_nobody_checked_opens_and_makes_nothing(open_api, provider, creates, verified):
    api = open_api(oidc_creates_accounts=creates)
    add_person(api)
    provider.control(people={"erin": ERIN | {"email_verified": verified}})
    _, answer = go_there_and_back(api)
    assert (answer.status_code, "has not checked" in alert_of(answer)) == (403, True)
    with api.resources.database.read(SYSTEM) as session:
        assert len(session.scalars(select(User)).all()) == 1
        assert not session.scalars(select(OidcIdentity)).all()


LIES = {
    "another nonce": {"claims": {"nonce": "x" * 43}},
    "no nonce": {"without": ["nonce"]},
    "nonce is a list": {"claims": {"nonce": ["x"]}},
    "unsigned": {"header": {"alg": "none"}},
    "signed with the public key": {"header": {"alg": "HS256"}},
    "another audience": {"claims": {"aud": "somebody"}},
    "no audience": {"without": ["aud"]},
    "us among several, for another": {"claims": {"aud": [CLIENT_ID, "somebody"], "azp": "somebody"}},
    "us among several, for nobody": {"claims": {"aud": [CLIENT_ID, "somebody"]}},
    "expired": {"claims": {"exp": 1_700_000_000}},
    "no end": {"without": ["exp"]},
    "end is no number": {"claims": {"exp": "never"}},
    "from the future": {"claims": {"nbf": 4_000_000_000}},
    "made in the future": {"claims": {"iat": 4_000_000_000}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "no issuer": {"without": ["iss"]},
    "another key of the same name": {"other_key": True},
    "unknown key": {"header": {"kid": "two"}, "other_key": True},
    "key in the header": {"header": {"jwk": {"kty": "oct", "k": "eHh4"}}, "other_key": True},
    "no subject": {"without": ["sub"]},
    "empty subject": {"claims": {"sub": ""}},
    "subject is a number": {"claims": {"sub": 7}},
    "long subject": {"claims": {"sub": "x" * 300}},
    "another access token": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
    "told of somebody else": {"without": ["email"], "userinfo": {"sub": "person-9", "email": "root@maps.example"}},
    "no ID token": {"tokens": {"id_token": None}},
    "no token": {"tokens": {"id_token": "a.b.c"}},
    "huge": {"claims": {"padding": "x" * 100_000}},
}


@pytest.fixture(scope="module")
def lied_to(tmp_path_factory, provider_process):
    """One installation for all lies; nothing of it changes."""
    from tests.webapp.api.conftest import _servers
    from webapp.database import migrate
    from webapp.resources import open_resources

    settings = load_settings(
        **NO_LIMITS,
        data_dir=tmp_path_factory.mktemp("lied") / "data",
        secret_key="k" * 40,
        oidc_issuer=provider_process.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_creates_accounts=True,
    )
    migrate(settings.database_address)
    resources = open_resources(settings)
    with _servers() as start:
        api = start(resources)
        provider_process.control(return_addresses=[f"{api.url}/login/oidc/callback"])
        yield api
    resources.close()


@pytest.mark.parametrize("name", LIES)
def test_what_the_provider_cannot_have_said_is_not_believed(lied_to, provider, name):
    provider.control(lie=LIES[name])
    _, answer = go_there_and_back(lied_to)
    assert answer.status_code == 401, answer.text
    assert alert_of(answer) == "single sign-on did not confirm who you are: its answer cannot be trusted."
    with lied_to.resources.database.read(SYSTEM) as session:
        assert not session.scalars(select(User)).all()
    provider.control(lie={})


@sqlite_only
def test_a_login_ends_in_the_browser_that_began_it_and_once(api, provider):
    add_person(api)
    victim, answer = leave(api)
    address = at_provider(answer.headers["location"])
    attacker, _ = leave(api)
    exchanges = provider.control()["exchanges"]
    for stranger in (api.anonymous(), attacker):
        refused = stranger.get(address)
        assert (refused.status_code, "not begun in this browser" in alert_of(refused)) == (400, True)
    assert provider.control()["exchanges"] == exchanges, "the code was not even sent"
    cookie = victim.cookies["bf_oidc"]
    assert victim.get(address).status_code == 303
    assert victim.get(address).status_code == 400, "the cookie is gone"
    replay = api.anonymous(Cookie=f"bf_oidc={cookie}").get(address)
    assert (replay.status_code, "does not hold any more" in alert_of(replay)) == (401, True)


@sqlite_only
def test_a_code_that_was_given_to_another_browser_is_worth_nothing(api):
    """PKCE: whoever gets hold of a code, or slips their own to somebody else, cannot exchange it."""
    add_person(api)
    (_, theirs), (browser, ours) = leave(api), leave(api)
    stolen = parse_qs(urlsplit(at_provider(theirs.headers["location"])).query)["code"][0]
    state = parse_qs(urlsplit(ours.headers["location"]).query)["state"][0]
    answer = browser.get(f"/login/oidc/callback?{urlencode({'state': state, 'code': stolen})}")
    assert (answer.status_code, "does not hold any more" in alert_of(answer)) == (401, True)


@pytest.mark.parametrize("change", ["state", "no state", "code", "no code", "long code", "odd code", "iss", "error"])
@sqlite_only
def test_a_changed_way_back_leads_nowhere(api, change):
    add_person(api)
    browser, answer = leave(api)
    path, _, query = at_provider(answer.headers["location"]).partition("?")
    values = {name: found[0] for name, found in parse_qs(query).items()}
    status = 400 if "state" in change else 401
    if change.startswith("no "):
        del values[change[3:]]
    elif change == "error":
        values = {"state": values["state"], "error": '"><script>alert(1)</script>'}
    elif change == "odd code":
        values["code"] = "ü&grant_type=password;\0%0a"
    elif change == "long code":
        values["code"] = "x" * 5000
    else:
        values[change] = "https://evil.example"
    answer = browser.get(f"{path}?{urlencode(values)}")
    assert (answer.status_code, "<script>" in answer.text) == (status, False)
    assert alert_of(answer)
    assert browser.get("/api/v1/auth/me").status_code == 401


@sqlite_only
def test_the_cookie_cannot_be_forged_and_does_not_last(api, monkeypatch):
    attempt = {"state": "s", "nonce": "n", "code_verifier": "v" * 43, "next": "/"}
    forged = URLSafeTimedSerializer("guess", salt="oidc").dumps(attempt)
    session = URLSafeTimedSerializer("k" * 40, salt="oidc").dumps(attempt)  # our key, but not this purpose's
    for value in (forged, session, "", "x", "a.b.c", "x" * 4000):
        answer = api.anonymous(Cookie=f"bf_oidc={value}").get("/login/oidc/callback?state=s&code=c")
        assert (answer.status_code, "not begun" in alert_of(answer)) == (400, True)
    monkeypatch.setattr(oidc, "LIFE_S", -1)
    _, answer = go_there_and_back(api)
    assert answer.status_code == 400


@sqlite_only
def test_who_is_refused_there_is_told_so_here(api):
    _, answer = go_there_and_back(api, password="wrong")
    assert (answer.status_code, alert_of(answer)) == (
        401,
        "City <login> did not confirm who you are: it answered access_denied.",
    )
    assert "City <login>" not in answer.text, "it is escaped"


@sqlite_only
def test_without_a_provider_people_are_told_and_passwords_still_work(make_resources, serve, open_api):
    api = serve(make_resources())
    assert "/login/oidc" not in api.anonymous().get("/login").text
    for path in ("/login/oidc", "/login/oidc/callback"):
        assert api.anonymous().get(path).status_code in (404, 400)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    away = open_api(oidc_issuer=f"http://127.0.0.1:{port}")
    answer = away.anonymous().get("/login/oidc?next=/jobs")
    assert (answer.status_code, "cannot be reached" in alert_of(answer)) == (503, True)
    assert 'name="password"' in answer.text
    assert 'value="/jobs"' in answer.text


@sqlite_only
def test_a_provider_that_hangs_holds_up_nobody_else(open_api, monkeypatch):
    monkeypatch.setattr(identity_provider, "TIMEOUT_S", 1.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        api = open_api(oidc_issuer=f"http://127.0.0.1:{silent.getsockname()[1]}")
        waiting = [threading.Thread(target=httpx.get, args=(f"{api.url}/login/oidc",), kwargs={"timeout": 30})
                   for _ in range(12)]  # fmt: skip
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        began_at = time.monotonic()
        assert api.anonymous().get("/login").status_code == 200
        assert time.monotonic() - began_at < 1.0
        for thread in waiting:
            thread.join(20)
        assert time.monotonic() - began_at < 8, "after the first failure nobody waits for the next"


@sqlite_only
def test_a_document_of_another_issuer_is_not_taken(open_api, provider):
    api = open_api()
    provider.control(lie={"issuer": "https://evil.example"})
    assert api.anonymous().get("/login/oidc").status_code == 503


@sqlite_only
def test_the_document_is_read_once_and_new_keys_are_noticed(api, provider, monkeypatch):
    monkeypatch.setattr(identity_provider, "KEYS_AGAIN_S", 0.0)
    add_person(api)
    before = provider.control()["discoveries"]
    for _ in range(3):
        assert go_there_and_back(api)[1].status_code == 303
    provider.control(new_key="another")
    assert go_there_and_back(api)[1].status_code == 401, "signed with a key that is not the provider's any more"
    provider.control(lie={"header": {"kid": "another"}})
    assert go_there_and_back(api)[1].status_code == 303
    assert provider.control(new_key="one")["discoveries"] == before + 1


@sqlite_only
def test_windows_that_come_back_at_once_make_one_account(open_api):
    api = open_api(oidc_creates_accounts=True)
    begun = [leave(api) for _ in range(4)]
    back = [(browser, at_provider(answer.headers["location"])) for browser, answer in begun]
    answers = []
    threads = [threading.Thread(target=lambda b=b, a=a: answers.append(b.get(a).status_code)) for b, a in back]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [303] * 4
    with api.resources.database.read(SYSTEM) as session:
        assert len(session.scalars(select(User)).all()) == 1


@sqlite_only
def test_asking_the_provider_counts_against_the_limit_of_an_address(open_api):
    api = open_api(public_calls_per_minute=3)
    codes = [api.anonymous().get("/login/oidc").status_code for _ in range(4)]
    assert codes == [303, 303, 303, 429]
    assert api.anonymous().get("/login").status_code == 200


@sqlite_only
def test_behind_a_proxy_the_public_address_is_named_and_cookies_are_for_https(open_api):
    api = open_api(public_url="https://maps.example.org")
    answer = api.anonymous().get("/login/oidc")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://maps.example.org/login/oidc/callback"]
    assert "Secure" in answer.headers["set-cookie"]
