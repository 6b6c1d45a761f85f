"""The factory of the account page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import panel as pn
from bokeh.io import curdoc

from auth.principals import Scope
from pages.account.key_list import KeyList
from pages.account.password_form import PasswordForm
from pages.account.profile_text import profile_facts, usage
from pages.account.session_list import SessionList
from pages.account.store import AccountStore
from pages.app_header import ACCOUNT_PATH
from pages.background import Background
from pages.layout import PageParts, build_page, reading_column
from pages.markup import pane
from pages.section import Words, section, side_by_side, stacked
from pages.session import Session, current_session

if TYPE_CHECKING:
    from webapp.services.api_keys import NewKey
    from webapp.services.profile import ProfileView

READ_AGAIN_MS = 15_000
TITLE = '<h1 class="bf-page-title">Account</h1>'
WHAT_ENDS = (
    '<p class="bf-note">A new password ends all your other sessions and all your API keys. This page stays signed '
    "in.</p>"
)


class AccountApp:
    """One open account page."""

    def __init__(self, session: Session) -> None:
        self._store = AccountStore(session)
        self._background = Background(curdoc())
        self._words = Words()
        self._profile, self._usage = pane(), pane()
        self._password = PasswordForm(session, self._read)
        self._sessions = SessionList(end=self._end_session, end_others=self._end_others)
        self._keys = KeyList(session.principal, make=self._make_key, revoke=self._revoke_key)

    @property
    def main(self) -> pn.viewable.Viewable:
        """What fills the page."""
        about = stacked(section("Profile", self._profile), section("Limits", self._usage))
        password = section("Password", pane(WHAT_ENDS), self._password)
        top = side_by_side(about, password)
        return reading_column(pane(TITLE), self._words.view, top, self._sessions.view, self._keys.view)

    def open(self) -> None:
        """Read what there is, and go on reading."""
        self._read()
        self._background.every(READ_AGAIN_MS, self._read)

    def _read(self) -> None:
        run, store = self._background.run, self._store
        run("profile", store.profile, self._show_profile, self._words.refuse)
        run("sessions", store.sessions, self._sessions.show, self._sessions.words.refuse)
        run("keys", store.keys, self._keys.show, self._keys.refuse)

    def _show_profile(self, profile: ProfileView) -> None:
        self._profile.object = profile_facts(profile)
        self._usage.object = usage(profile)

    def _end_session(self, session_id: str) -> None:
        work = partial(self._store.end_session, session_id)
        self._background.run(f"end-{session_id}", work, self._sessions.show, self._sessions.words.refuse)

    def _end_others(self) -> None:
        work = self._store.end_other_sessions
        self._background.run("end-others", work, self._sessions.show, self._sessions.words.refuse)

    def _make_key(self, name: str, scopes: list[Scope], life_days: float | None) -> None:
        work = partial(self._store.make_key, name, scopes, life_days)
        self._background.run("make", work, self._show_new_key, self._keys.refuse)

    def _show_new_key(self, made: NewKey) -> None:
        self._keys.show_new(made)
        self._read()

    def _revoke_key(self, key_id: str) -> None:
        work = partial(self._store.revoke_key, key_id)
        self._background.run(f"revoke-{key_id}", work, self._keys.show, self._keys.refuse)


def account_page() -> pn.viewable.Viewable:
    """Build the account page for the person who asked for it."""
    session = current_session()
    app = AccountApp(session)
    curdoc().add_next_tick_callback(app.open)
    return build_page(session, PageParts("Account", ACCOUNT_PATH, [app.main]))
