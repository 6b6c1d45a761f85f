"""Where somebody is signed in, and ending that."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.account.user_agent import browser_name
from pages.kept_rows import KeptRows
from pages.question import Question
from pages.section import Words, section

if TYPE_CHECKING:
    from webapp.services.views import SessionView

KINDS = {"browser": "Browser", "api": "API client"}


class SessionList:
    """`end(session_id)` ends one; `end_others()` all but this one."""

    def __init__(self, end: Callable[[str], None], end_others: Callable[[], None]) -> None:
        self._end = end
        self.words = Words()
        self._question = Question()
        self._rows = KeptRows()
        self._others = pmui.Button(label="Sign out everywhere else", variant="outlined", size="small", margin=0,
                                   visible=False, on_click=lambda _: self._ask(end_others))
        self.view = section("Where you are signed in", self.words.view, self._rows.view, self._others,
                            self._question.view)

    def show(self, found: list[SessionView]) -> None:
        """Show these sessions."""
        self.words.clear()
        self._rows.show((one.id, session_line(one), partial(self._buttons, one)) for one in found)
        self._others.visible = any(not one.is_current for one in found)

    def _buttons(self, one: SessionView) -> list[pn.viewable.Viewable]:
        if one.is_current:
            return []
        end = pmui.Button(label="End", variant="text", size="small", color="error", margin=0, sizing_mode="fixed",
                          width=84, height=30, on_click=lambda _: self._end(one.id))
        return [end]

    def _ask(self, end_others: Callable[[], None]) -> None:
        words = "All browsers and API clients but this one have to sign in again. API keys go on working."
        self._question.ask("Sign out everywhere else?", words, "Sign out", end_others)


def session_line(one: SessionView) -> str:
    """Return one session as HTML."""
    here = ' <span class="bf-chip bf-succeeded">This one</span>' if one.is_current else ""
    name = formats.text(browser_name(one.user_agent))
    address = formats.text(one.address) or "unknown address"
    return (
        f'<p class="bf-card-title">{name}{here}</p><p class="bf-note">{KINDS.get(one.kind, one.kind)} · {address} · '
        f"last used {formats.ago(one.seen_at)} · signed in {formats.when(one.created_at)}</p>"
    )
