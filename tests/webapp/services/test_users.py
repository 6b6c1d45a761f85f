import re
import time
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

import pytest
from sqlalchemy import update

from auth.principals import SYSTEM, Role
from models.user import User
from webapp.errors import AccountInvalid, CredentialsWrong, TooManyLogins, UsernameTaken
from webapp.services import password_checks, users
from webapp.services.users import NewUser


def test_an_account_can_be_made_and_signed_in_to(resources):
    made = users.create_user(resources, NewUser("Ada", "long enough", email="Ada@Example.org"))
    assert (made.username, made.email, made.role) == ("ada", "ada@example.org", "user")
    principal = users.authenticate(resources, " ADA ", "long enough")
    assert (principal.user_id, principal.role, principal.session_id) == (made.id, Role.USER, "")
    for name, password in (("ada", "long enougH"), ("eve", "long enough"), ("ada", ""), ("ada", "x" * 100_000)):
        with pytest.raises(CredentialsWrong):
            users.authenticate(resources, name, password)


def test_a_disabled_account_answers_as_one_that_is_not_there(resources):
    users.create_user(resources, NewUser("ada", "long enough"))
    with resources.database.write(SYSTEM) as session:
        session.execute(update(User).values(is_active=False))
    with pytest.raises(CredentialsWrong):
        users.authenticate(resources, "ada", "long enough")


def test_a_name_or_an_address_is_given_once(resources):
    users.create_user(resources, NewUser("ada", "long enough", email="a@b.example"))
    with pytest.raises(UsernameTaken) as name:
        users.create_user(resources, NewUser("ADA", "long enough"))
    with pytest.raises(UsernameTaken) as address:
        users.create_user(resources, NewUser("bea", "long enough", email="A@b.example"))
    assert (name.value.parameters["field"], address.value.parameters["field"]) == ("name", "e-mail address")


@pytest.mark.parametrize(
    ("new_user", "field"),
    [
        (NewUser("", "long enough"), "user name"),
        (NewUser("a b", "long enough"), "user name"),
        (NewUser("../x", "long enough"), "user name"),
        (NewUser("a" * 65, "long enough"), "user name"),
        (NewUser("ada", "short"), "password"),
        (NewUser("ada", "x" * 201), "password"),
        (NewUser("ada", "long enough", email="nowhere"), "e-mail address"),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_wrong_field_is_named(resources, new_user, field):
    with pytest.raises(AccountInvalid) as caught:
        users.create_user(resources, new_user)
    assert caught.value.parameters["field"] == field


def test_the_first_administrators_password_is_told_once(make_resources):
    resources = make_resources(admin_username="chief")
    password = users.ensure_administrator(resources)
    assert re.fullmatch(r"[A-Za-z0-9]{20}", password)
    assert users.authenticate(resources, "chief", password).is_administrator
    assert users.ensure_administrator(resources) is None


def test_a_given_administrator_password_is_not_told(make_resources):
    resources = make_resources(admin_password="from the settings")
    assert users.ensure_administrator(resources) is None
    assert users.authenticate(resources, "admin", "from the settings").is_administrator


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_flood_of_logins_is_turned_away_and_nothing_else_waits(resources, monkeypatch):
    """More than wait in line are refused; meanwhile reads go on at once."""
    monkeypatch.setattr(password_checks, "_places", BoundedSemaphore(password_checks.HASH_THREADS + 2))
    users.create_user(resources, NewUser("ada", "long enough"))

    def try_to_sign_in(_):
        try:
            users.authenticate(resources, "ada", "wrong password")
        except (CredentialsWrong, TooManyLogins) as error:
            return type(error)

    with ThreadPoolExecutor(20) as crowd:
        answers = [crowd.submit(try_to_sign_in, number) for number in range(20)]
        slowest_s = 0.0
        while not all(answer.done() for answer in answers):
            began_at = time.monotonic()
            with resources.database.read(SYSTEM) as session:
                session.query(User).count()
            slowest_s = max(slowest_s, time.monotonic() - began_at)
            time.sleep(0.05)
    kinds = [answer.result() for answer in answers]
    assert kinds.count(TooManyLogins) >= 10
    assert kinds.count(CredentialsWrong) >= password_checks.HASH_THREADS
    assert slowest_s < 2.0
    assert users.authenticate(resources, "ada", "long enough").username == "ada"
