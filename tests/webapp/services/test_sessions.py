from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text, update

from auth.principals import SYSTEM
from models.user import LoginSession, User
from webapp.errors import RefreshTokenInvalid
from webapp.services import sessions


def age(resources, column, by_s):
    """Move a time of all sessions into the past."""
    with resources.database.write(SYSTEM) as session:
        session.execute(text(f"UPDATE login_sessions SET {column} = {column} - {by_s}"))


def test_a_browser_session_tells_who_it_is_until_it_is_closed(resources, alice):
    opened = sessions.open_browser_session(resources, alice)
    principal = sessions.principal_of_cookie(resources, opened.cookie_value)
    assert (principal.user_id, principal.username, principal.role) == (alice.user_id, "alice", alice.role)
    assert sessions.still_holding(resources, [principal]) == {principal}
    assert sessions.csrf_token_of(resources, opened.cookie_value) == opened.csrf_token
    assert sessions.csrf_token_of(resources, "another") != opened.csrf_token
    sessions.close_session(resources, principal.session_id)
    assert sessions.principal_of_cookie(resources, opened.cookie_value) is None
    assert sessions.still_holding(resources, [principal]) == set()


def test_no_secret_is_stored(resources, alice):
    opened = sessions.open_browser_session(resources, alice)
    pair = sessions.issue_tokens(resources, alice)
    with resources.database.read(SYSTEM) as session:
        stored = repr([vars(row) for row in session.scalars(select(LoginSession))])
    for secret in (opened.cookie_value, opened.csrf_token, pair.access_token, pair.refresh_token.split(".")[1]):
        assert secret not in stored
        assert secret not in repr(opened) + repr(pair)


def test_use_moves_the_end_of_a_session_and_idleness_ends_it(resources, alice):
    opened = sessions.open_browser_session(resources, alice)
    hours_s = resources.settings.session_hours * 3600
    for _ in range(3):
        age(resources, "expires_at", hours_s * 0.6)
        age(resources, "seen_at", hours_s * 0.6)
        assert sessions.principal_of_cookie(resources, opened.cookie_value) is not None
    age(resources, "expires_at", hours_s + 1)
    assert sessions.principal_of_cookie(resources, opened.cookie_value) is None


@pytest.mark.parametrize("value", ["", "x", "x" * 100_000, "\0", "'; DROP TABLE users; --"])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_wrong_cookie_is_nobodys(resources, value):
    assert sessions.principal_of_cookie(resources, value) is None


def test_an_access_token_ends_with_its_session(resources, alice):
    pair = sessions.issue_tokens(resources, alice)
    assert pair.expires_in == 600
    principal = sessions.principal_of_token(resources, pair.access_token)
    assert principal.user_id == alice.user_id
    assert sessions.principal_of_token(resources, pair.refresh_token) is None
    sessions.close_session(resources, principal.session_id)
    assert sessions.principal_of_token(resources, pair.access_token) is None
    with pytest.raises(RefreshTokenInvalid):
        sessions.refresh_tokens(resources, pair.refresh_token)


def test_a_disabled_user_is_out_at_once(resources, alice):
    pair = sessions.issue_tokens(resources, alice)
    opened = sessions.open_browser_session(resources, alice)
    with resources.database.write(SYSTEM) as session:
        session.execute(update(User).values(is_active=False))
    assert sessions.principal_of_token(resources, pair.access_token) is None
    assert sessions.principal_of_cookie(resources, opened.cookie_value) is None
    with pytest.raises(RefreshTokenInvalid):
        sessions.refresh_tokens(resources, pair.refresh_token)


def test_a_refresh_token_used_up_before_ends_the_session(resources, alice):
    first = sessions.issue_tokens(resources, alice)
    second = sessions.refresh_tokens(resources, first.refresh_token)
    third = sessions.refresh_tokens(resources, second.refresh_token)
    assert sessions.principal_of_token(resources, third.access_token) is not None
    with pytest.raises(RefreshTokenInvalid):  # a grandparent has no grace
        sessions.refresh_tokens(resources, first.refresh_token)
    assert sessions.principal_of_token(resources, third.access_token) is None
    with pytest.raises(RefreshTokenInvalid):
        sessions.refresh_tokens(resources, third.refresh_token)


def test_the_predecessor_is_answered_for_a_moment_with_the_same_successor(resources, alice):
    first = sessions.issue_tokens(resources, alice)
    second = sessions.refresh_tokens(resources, first.refresh_token)
    again = sessions.refresh_tokens(resources, first.refresh_token)
    assert again.refresh_token == second.refresh_token
    age(resources, "previous_until", sessions.REFRESH_GRACE_S + 1)
    with pytest.raises(RefreshTokenInvalid):
        sessions.refresh_tokens(resources, first.refresh_token)
    with pytest.raises(RefreshTokenInvalid):
        sessions.refresh_tokens(resources, second.refresh_token)


def test_refreshes_that_race_never_fork_and_sign_nobody_out(resources, alice):
    """Ten times twenty; `./run bench refresh` does a hundred over four web processes."""
    pair = sessions.issue_tokens(resources, alice)
    with ThreadPoolExecutor(20) as crowd:
        for _ in range(10):
            answers = list(
                crowd.map(lambda _, token=pair.refresh_token: sessions.refresh_tokens(resources, token), range(20))
            )
            assert len({answer.refresh_token for answer in answers}) == 1
            assert sessions.principal_of_token(resources, answers[-1].access_token) is not None
            pair = answers[0]


def test_a_grandparent_that_races_with_its_grandchild_ends_the_family_whoever_is_first(resources, alice):
    """However the two fall in time, the old token gets nothing and in the end nobody holds a token that works."""
    for _ in range(5):
        first = sessions.issue_tokens(resources, alice)
        second = sessions.refresh_tokens(resources, first.refresh_token)
        third = sessions.refresh_tokens(resources, second.refresh_token)

        def use(token):
            try:
                return sessions.refresh_tokens(resources, token)
            except RefreshTokenInvalid:
                return None

        with ThreadPoolExecutor(2) as two:
            thief, owner = two.map(use, (first.refresh_token, third.refresh_token))
        assert thief is None
        held = [third, *([owner] if owner else [])]
        assert [sessions.principal_of_token(resources, pair.access_token) for pair in held] == [None] * len(held)
        assert [use(pair.refresh_token) for pair in held] == [None] * len(held)


@pytest.mark.parametrize("token", ["", ".", "x", "x.y", "." * 50, "x." + "y" * 10_000])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_wrong_refresh_token_is_refused(resources, token):
    with pytest.raises(RefreshTokenInvalid):
        sessions.refresh_tokens(resources, token)
