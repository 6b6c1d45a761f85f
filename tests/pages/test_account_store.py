"""The account page's store over the real services, on both databases."""

import pytest

from auth.principals import SYSTEM, Scope
from pages.account.profile_text import profile_facts, usage
from pages.account.store import AccountStore
from pages.session import Session
from webapp.errors import AccountInvalid, Forbidden, NotFound
from webapp.services import api_keys, quotas, sessions


@pytest.fixture
def store(resources, alice):
    return AccountStore(Session(resources, signed_in(resources, alice), "token"))


def signed_in(resources, person):
    opened = sessions.open_browser_session(resources, person)
    return sessions.principal_of_cookie(resources, opened.cookie_value)


def test_the_profile_tells_the_limits_and_what_is_used_of_them(make_resources, alice):
    resources = make_resources(free_jobs_per_hour=4, free_upload_bytes=10_000_000)
    with resources.database.write(SYSTEM) as session:
        quotas.spend(session, resources, alice, "jobs")
    profile = AccountStore(Session(resources, alice, "token")).profile()
    assert "<dd>alice</dd>" in profile_facts(profile)
    shown = usage(profile)
    assert "1 of 4" in shown
    assert "width:25%" in shown
    assert "10.0 MB" in shown


def test_one_session_ends_or_all_others_but_never_somebody_elses(store, resources, alice, bob):
    phone, _, theirs = signed_in(resources, alice), signed_in(resources, alice), signed_in(resources, bob)
    left = store.end_session(phone.session_id)
    assert len(left) == 2
    assert not sessions.still_holding(resources, [phone])
    with pytest.raises(NotFound):
        store.end_session(theirs.session_id)
    assert [one.is_current for one in store.end_other_sessions()] == [True]
    assert sessions.still_holding(resources, [theirs])


def test_a_key_acts_for_its_maker_until_it_is_revoked(store, resources, alice):
    made = store.make_key(" QGIS ", [Scope.READ], 30.0)
    assert store.keys() == [made.view]
    assert api_keys.principal_of_key(resources, made.key).user_id == alice.user_id
    assert store.revoke_key(made.view.id) == []
    assert api_keys.principal_of_key(resources, made.key) is None


@pytest.mark.parametrize(
    ("name", "scopes", "error"),
    [
        ("", [Scope.READ], AccountInvalid),
        ("  ", [Scope.READ], AccountInvalid),
        ("two\nlines", [Scope.READ], AccountInvalid),
        ("n" * 101, [Scope.READ], AccountInvalid),
        ("fine", [], AccountInvalid),
        ("fine", [Scope.ADMIN], Forbidden),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_none_is_made(store, name, scopes, error):
    with pytest.raises(error):
        store.make_key(name, scopes, None)
    assert store.keys() == []
