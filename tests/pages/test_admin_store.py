"""The administrators' store over the real services, on both databases."""

import pytest

from auth.principals import Role
from pages.admin.store import AdminStore
from pages.session import Session
from webapp.errors import Forbidden
from webapp.services import sessions, users
from webapp.services.people import PersonChange

ASKED = {
    "dashboard": (),
    "people": ("", 10),
    "change": (1, PersonChange(role=Role.ADMIN)),
    "make_person": ("mallory", "", Role.ADMIN),
    "set_new_password": (1,),
    "clean": (1.0, False),
    "audit_log": ("", "", 10),
}


@pytest.fixture
def store(resources, administrator):
    return AdminStore(Session(resources, administrator, "token"))


def test_everything_is_asked_below():
    assert set(ASKED) == {name for name in vars(AdminStore) if not name.startswith("_")} - {"session"}


@pytest.mark.parametrize("name", ASKED)
def test_a_user_gets_nothing(resources, alice, name):
    with pytest.raises(Forbidden):
        getattr(AdminStore(Session(resources, alice, "token")), name)(*ASKED[name])


def test_a_made_account_signs_in_is_found_and_is_shut_out(store, resources):
    made = store.make_person("Maria", "", Role.PREMIUM)
    [found] = store.people("mar", 10)
    assert (found.username, found.email, found.role, found.tier) == ("maria", None, "premium", "premium")
    person = users.authenticate(resources, "maria", made.password)
    opened = sessions.open_browser_session(resources, person)
    assert not store.change(made.user_id, PersonChange(is_active=False)).is_active
    assert sessions.principal_of_cookie(resources, opened.cookie_value) is None


def test_the_audit_log_names_who_did_it_and_to_whom(store, administrator, alice):
    store.change(alice.user_id, PersonChange(role=Role.PREMIUM))
    [entry] = store.audit_log(f" {administrator.username.upper()} ", "account.changed", 10)
    assert (entry.actor_name, entry.target_name) == (administrator.username, "alice")
    assert store.audit_log("nobody", "", 10) == []


def test_a_preview_removes_nothing(store):
    assert store.clean(7.0, preview=True) == store.clean(7.0, preview=True)
    assert store.audit_log("", "cleanup.", 10) == []
    store.clean(7.0, preview=False)
    assert len(store.audit_log("", "cleanup.", 10)) == 1
