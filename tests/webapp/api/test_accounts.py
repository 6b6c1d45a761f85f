"""Making an account, changing and forgetting a password, and what ends with it, against a real mail server."""

import pytest

from auth.principals import Scope
from tests.support.mailbox import running_mailbox, token_in
from webapp.services import api_keys, registration
from webapp.services.users import NewUser, create_user

PASSWORD = "correct horse battery staple"
WISH = {"username": "dora", "email": "Dora@maps.example", "password": PASSWORD}


@pytest.fixture
def mailbox():
    with running_mailbox() as box:
        yield box


@pytest.fixture
def open_api(make_resources, serve, mailbox):
    """An installation on which people may register."""
    settings = {"registration_open": True, "smtp_url": mailbox.address, "public_url": "", "secret_key": "k" * 40}
    return serve(make_resources(**settings))


def sign_in(api, username, password=PASSWORD):
    return api.anonymous().post("/api/v1/auth/login", json={"username": username, "password": password})


def test_an_account_is_made_by_the_link_in_the_mail_and_once(open_api, mailbox):
    client = open_api.anonymous()
    assert client.post("/api/v1/auth/register", json=WISH).status_code == 202
    [mail] = mailbox.wait_for(1)
    assert (mail["To"], "dora" in mail.get_content()) == ("dora@maps.example", True)
    assert sign_in(open_api, "dora").status_code == 401
    token = {"token": token_in(mail)}
    made = client.post("/api/v1/auth/register/confirm", json=token)
    assert (made.status_code, made.json()["role"], made.json()["email"]) == (201, "user", "dora@maps.example")
    assert sign_in(open_api, "dora").status_code == 200
    assert client.post("/api/v1/auth/register/confirm", json=token).json()["code"] == "MailTokenInvalid"


def test_nobody_learns_from_registering_who_has_an_account(open_api, mailbox):
    create_user(open_api.resources, NewUser("dora", PASSWORD, email="dora@maps.example"))
    client = open_api.anonymous()
    answers = [
        client.post("/api/v1/auth/register", json=WISH | changes)
        for changes in ({}, {"username": "other"}, {"email": "new@maps.example"}, {"username": "a", "email": "b@c.de"})
    ]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    mails = mailbox.wait_for(4)
    assert [("#token=" in mail.get_content()) for mail in mails] == [False, False, False, True]
    assert "already, with the name dora" in " ".join(mails[0].get_content().split())
    assert "Choose another" in mails[2].get_content()


def test_two_wishes_for_one_name_make_one_account(open_api, mailbox):
    client = open_api.anonymous()
    for email in ("one@maps.example", "two@maps.example"):
        client.post("/api/v1/auth/register", json=WISH | {"email": email})
    tokens = [token_in(mail) for mail in mailbox.wait_for(2)]
    answers = [client.post("/api/v1/auth/register/confirm", json={"token": token}) for token in tokens]
    assert [answer.status_code for answer in answers] == [201, 409]
    assert answers[1].json()["code"] == "UsernameTaken"


def test_registering_is_refused_where_it_is_not_switched_on(make_resources, serve, mailbox, sqlite_api):
    answer = sqlite_api.anonymous().post("/api/v1/auth/register", json=WISH)
    assert (answer.status_code, answer.json()["code"]) == (403, "RegistrationClosed")
    without_mail = serve(make_resources(registration_open=True))
    assert without_mail.anonymous().post("/api/v1/auth/register", json=WISH).json()["code"] == "MailNotSetUp"
    switched_off = serve(make_resources(smtp_url=mailbox.address))
    assert "Ask the administrator" in switched_off.anonymous().get("/register").text
    assert "/register" not in switched_off.anonymous().get("/login").text


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [("username", "no spaces", "user name"), ("email", "nowhere", "e-mail address"), ("password", "x", "password")],
)
def test_a_wish_that_cannot_be_is_said_so_at_once(open_api, mailbox, name, value, field):
    answer = open_api.anonymous().post("/api/v1/auth/register", json=WISH | {name: value})
    assert (answer.status_code, answer.json()["parameters"]["field"]) == (422, field)
    assert not mailbox.mails


def test_a_role_or_tier_cannot_be_wished_for(open_api):
    for extra in ({"role": "admin"}, {"tier": "enterprise"}, {"is_active": True}, {"id": 1}):
        assert open_api.anonymous().post("/api/v1/auth/register", json=WISH | extra).status_code == 422


@pytest.fixture
def dora(open_api):
    """A person who is signed in twice, with a page and an API key besides."""
    user = create_user(open_api.resources, NewUser("dora", PASSWORD, email="dora@maps.example"))
    tokens = [sign_in(open_api, "dora").json() for _ in range(2)]
    clients = [open_api.anonymous(Authorization=f"Bearer {one['access_token']}") for one in tokens]
    key = clients[0].post("/api/v1/auth/generate-api-key", json={"name": "pipeline"}).json()["api_key"]
    clients.append(open_api.anonymous(**{"X-API-Key": key}))
    assert [client.get("/api/v1/auth/me").json()["user_id"] for client in clients] == [user.id] * 3
    return clients


def test_a_new_password_ends_all_else_at_once(open_api, dora):
    here, there, pipeline = dora
    wrong = here.post("/api/v1/auth/password", json={"current_password": "guess", "new_password": "another one"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "CredentialsWrong")
    change = {"current_password": PASSWORD, "new_password": "another one"}
    assert here.post("/api/v1/auth/password", json=change).status_code == 204
    assert [client.get("/api/v1/auth/me").status_code for client in (here, there, pipeline)] == [200, 401, 401]
    assert sign_in(open_api, "dora").status_code == 401
    assert sign_in(open_api, "dora", "another one").status_code == 200
    assert here.post("/api/v1/auth/password", json=change).status_code == 401


def test_guessing_the_current_password_has_to_wait(open_api, dora):
    guess = {"current_password": "guess", "new_password": "another one"}
    codes = [dora[0].post("/api/v1/auth/password", json=guess).json()["code"] for _ in range(7)]
    assert codes[0] == "CredentialsWrong"
    assert codes[-1] == "LoginDelayed"


def test_a_forgotten_password_is_set_anew_by_mail_and_everything_ends(open_api, dora, mailbox):
    client = open_api.anonymous()
    asked = [client.post("/api/v1/auth/password/forgotten", json={"email": "DORA@maps.example"}) for _ in range(3)]
    nobody = client.post("/api/v1/auth/password/forgotten", json={"email": "nobody@maps.example"})
    assert {(answer.status_code, answer.text) for answer in (*asked, nobody)} == {(202, nobody.text)}
    [mail] = mailbox.wait_for(1)  # asked three times within a minute
    reset = {"token": token_in(mail), "new_password": "short"}
    assert client.post("/api/v1/auth/password/reset", json=reset).json()["code"] == "AccountInvalid"
    reset["new_password"] = "another one"
    assert client.post("/api/v1/auth/password/reset", json=reset).status_code == 204
    assert client.post("/api/v1/auth/password/reset", json=reset).json()["code"] == "MailTokenInvalid"
    import time

    time.sleep(0.8)  # an API key that ended is noticed within a second
    assert [one.get("/api/v1/auth/me").status_code for one in dora] == [401, 401, 401]
    assert sign_in(open_api, "dora", "another one").status_code == 200


def test_one_sees_where_one_is_signed_in_and_ends_it(open_api, dora):
    here, there, _ = dora
    found = here.get("/api/v1/auth/sessions").json()["sessions"]
    assert [one["is_current"] for one in found].count(True) == 1
    assert {one["address"] for one in found} == {"127.0.0.1"}
    assert all("httpx" in one["user_agent"] for one in found)
    other = next(one["id"] for one in found if not one["is_current"])
    assert here.delete(f"/api/v1/auth/sessions/{other}").status_code == 204
    assert here.delete(f"/api/v1/auth/sessions/{other}").status_code == 404
    assert [client.get("/api/v1/auth/me").status_code for client in (here, there)] == [200, 401]


def test_signing_out_everywhere_else_leaves_this_place(open_api, dora):
    here, there, pipeline = dora
    assert here.delete("/api/v1/auth/sessions").status_code == 204
    assert [client.get("/api/v1/auth/me").status_code for client in (here, there, pipeline)] == [200, 401, 200]


def test_nobody_ends_what_is_anothers(api, alice, bob):
    key = api_keys.create_key(api.resources, alice, "hers", {Scope.READ}).view.id
    session_id = api.program(alice).get("/api/v1/auth/sessions").json()["sessions"][0]["id"]
    stranger = api.program(bob)
    assert stranger.delete(f"/api/v1/auth/api-keys/{key}").status_code == 404
    assert stranger.delete(f"/api/v1/auth/sessions/{session_id}").status_code == 404
    assert not stranger.get("/api/v1/auth/api-keys").json()["api_keys"]


def test_a_wish_waits_for_its_mail_not_longer_than_a_day(open_api, mailbox, monkeypatch):
    monkeypatch.setattr(registration, "LINK_LIFE_S", -1.0)
    client = open_api.anonymous()
    client.post("/api/v1/auth/register", json=WISH)
    token = {"token": token_in(mailbox.wait_for(1)[0])}
    assert client.post("/api/v1/auth/register/confirm", json=token).json()["code"] == "MailTokenInvalid"
