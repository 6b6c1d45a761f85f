import time

import httpx
import pytest
from sqlalchemy import update

from auth import passwords
from auth.principals import SYSTEM, Role
from models.user import User
from webapp.api.login_throttle import FREE_TRIES, LoginThrottle
from webapp.api.routes.login import safe_target
from webapp.errors import LoginDelayed
from webapp.services.users import NewUser, create_user

PASSWORD = "correct horse battery staple"


@pytest.fixture
def carol(resources):
    return create_user(resources, NewUser("carol", PASSWORD, role=Role.USER))


def post_form(api, password=PASSWORD, origin=None, **fields):
    form = {"username": "Carol", "password": password} | fields
    return api.anonymous().post("/login", data=form, headers={"Origin": origin or api.url})


def test_the_form_opens_a_session_that_reaches_the_api(api, carol):
    answer = post_form(api, next="/jobs?a=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?a=1")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("bf_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie  # plain http on this machine
    client = api.anonymous(Cookie=cookie.partition(";")[0])
    me = client.get("/api/v1/auth/me").json()
    assert (me["user_id"], me["username"], me["role"], me["tier"]) == (carol.id, "carol", "user", "free")


def test_the_cookie_is_for_https_alone_where_that_is_the_address(make_resources, serve, sqlite_api, carol):
    api = serve(make_resources(public_url="https://maps.example.org"))
    for origin in ("https://maps.example.org", api.url):
        answer = post_form(api, origin=origin)
        assert (answer.status_code, "Secure" in answer.headers["set-cookie"]) == (303, True)


def test_signing_out_ends_the_session_and_takes_the_cookie(api, carol, resources):
    from webapp.services import sessions

    cookie = post_form(api).headers["set-cookie"].partition(";")[0]
    token = sessions.csrf_token_of(resources, cookie.partition("=")[2])
    client = api.anonymous(Cookie=cookie)
    answer = client.post("/logout", headers={"X-CSRF-Token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert 'bf_session=""' in answer.headers["set-cookie"]
    assert client.get("/api/v1/auth/me").status_code == 401


def test_a_wrong_password_is_said_so_and_nothing_more(sqlite_api, carol):
    wrong = post_form(sqlite_api, "wrong")
    unknown = post_form(sqlite_api, "wrong", username="Nobody")
    assert wrong.status_code == unknown.status_code == 401
    assert "The user name or the password is wrong." in wrong.text
    assert wrong.text.replace("Carol", "?") == unknown.text.replace("Nobody", "?")
    assert "set-cookie" not in wrong.headers


def test_refused_logins_do_the_same_work_and_are_the_same_byte_by_byte(sqlite_api, carol, monkeypatch):
    """Names that exist, that do not, that are shut out or cannot be: how long it takes is in `./run bench login`."""
    shut_out = create_user(sqlite_api.resources, NewUser("shut-out", PASSWORD))
    with sqlite_api.resources.database.write(SYSTEM) as session:
        session.execute(update(User).where(User.id == shut_out.id).values(is_active=False))
    work = []
    verify = passwords._hasher.verify

    def watched(password, stored):
        work.append(tuple(stored.split("$")[1:4]))  # the kind of hash and its costs
        return verify(password, stored)

    monkeypatch.setattr(passwords._hasher, "verify", watched)
    client, answers = sqlite_api.anonymous(), []
    for name in ("carol", "CAROL ", "nobody", "shut-out", "no such name!", "x" * 200, "é"):
        work.clear()
        answer = client.post("/api/v1/auth/login", json={"username": name, "password": "wrong"})
        headers = {key: value for key, value in answer.headers.items() if key not in ("date", "x-request-id")}
        answers.append((answer.status_code, answer.content, headers, tuple(work)))
    assert all(answer == answers[0] for answer in answers)
    [(kind, _, costs)] = answers[0][3]
    assert (kind, costs) == ("argon2id", "m=65536,t=3,p=4")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"])
def test_the_form_is_taken_from_our_own_page_only(sqlite_api, carol, origin):
    answer = post_form(sqlite_api, origin=origin)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    bare = sqlite_api.anonymous().post("/login", data={"username": "carol", "password": PASSWORD})
    assert bare.status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/login?next=/x",
        "/\n/evil",
    ],
)
def test_nobody_is_sent_to_another_site(sqlite_api, carol, target):
    assert safe_target(target) == "/"
    assert post_form(sqlite_api, next=target).headers["location"] == "/"


def test_what_is_typed_is_shown_as_text(sqlite_api):
    answer = sqlite_api.anonymous().get('/login?next=/"><script>alert(1)</script>')
    assert "<script>alert" not in answer.text
    typed = post_form(sqlite_api, username='"><script>alert(1)</script>')
    assert "<script>alert" not in typed.text


def test_tokens_are_exchanged_and_each_refresh_token_works_once(api, carol):
    client = api.anonymous()
    answer = client.post("/api/v1/auth/login", json={"username": "carol", "password": PASSWORD})
    tokens = answer.json()
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert tokens["token_type"] == "bearer"
    assert answer.headers["cache-control"] == "private, no-store"
    me = client.get("/api/v1/auth/me", headers={"Authorization": f"bearer {tokens['access_token']}"})
    assert me.json()["username"] == "carol"
    renewed = client.post("/api/v1/auth/refresh-token", json={"refresh_token": tokens["refresh_token"]}).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {renewed['access_token']}"}).is_success
    wrong = client.post("/api/v1/auth/refresh-token", json={"refresh_token": "nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "RefreshTokenInvalid")
    as_access = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {renewed['refresh_token']}"})
    assert as_access.status_code == 401


def test_a_wrong_password_at_the_api_is_a_problem(sqlite_api, carol):
    answer = sqlite_api.anonymous().post("/api/v1/auth/login", json={"username": "carol", "password": "no"})
    assert (answer.status_code, answer.json()["code"]) == (401, "CredentialsWrong")


def test_guessing_gets_slow_for_one_account_and_address_only():
    throttle = LoginThrottle()
    for _ in range(FREE_TRIES):
        throttle.check("Carol", "192.0.2.1")
        throttle.note_failure("carol", "192.0.2.1")
    with pytest.raises(LoginDelayed) as caught:
        throttle.check(" CAROL", "192.0.2.1")
    assert caught.value.parameters["retry_after_s"] >= 1
    throttle.check("carol", "192.0.2.2")
    throttle.check("dave", "192.0.2.1")
    time.sleep(1.05)
    throttle.check("carol", "192.0.2.1")
    throttle.note_success("carol", "192.0.2.1")
    throttle.note_failure("carol", "192.0.2.1")
    throttle.check("carol", "192.0.2.1")


def test_a_flood_of_logins_leaves_the_rest_of_the_api_quick(sqlite_api, alice, carol):
    import concurrent.futures

    program = sqlite_api.program(alice)

    def guess(index):
        with httpx.Client(base_url=sqlite_api.url, timeout=60) as client:
            return client.post("/api/v1/auth/login", json={"username": f"nobody{index}", "password": "x"}).status_code

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        guesses = [pool.submit(guess, index) for index in range(40)]
        time.sleep(0.3)
        waits = []
        for _ in range(10):
            began = time.monotonic()
            assert program.get("/api/v1/auth/me").status_code == 200
            waits.append(time.monotonic() - began)
        statuses = [found.result() for found in guesses]
    assert set(statuses) <= {401, 429}
    assert 429 in statuses  # beyond the queue it is refused at once
    assert sorted(waits)[5] < 1.0
