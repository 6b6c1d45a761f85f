"""API keys: making them, seeing a new one once, revoking them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from auth.principals import Principal
from pages import formats
from pages.account.key_form import SCOPES, KeyForm, MakeKey
from pages.kept_rows import KeptRows
from pages.markup import pane
from pages.question import Question
from pages.secret_field import SecretField
from pages.section import Words, section

if TYPE_CHECKING:
    from webapp.services.api_keys import NewKey
    from webapp.services.views import ApiKeyView

INTRODUCTION = (
    '<p class="bf-note">Programs send a key as <b>X-API-Key</b> and act in your name. Give each program a key of its '
    "own, with no more than it needs.</p>"
)
SHOWN_ONCE = "This is the key {name}. Copy it now: it is shown only this once. Whoever has it acts in your name."


class KeyList:
    """`make(name, scopes, life_days)` makes a key, `revoke(key_id)` ends one."""

    def __init__(self, principal: Principal, make: MakeKey, revoke: Callable[[str], None]) -> None:
        self._revoke = revoke
        self.form = KeyForm(principal, make)
        self.words = Words()
        self._secret = SecretField()
        self._question = Question()
        self._rows = KeptRows("There are no keys.")
        self.view = section("API keys", pane(INTRODUCTION), self.form.view, self.words.view, self._secret,
                            self._rows.view, self._question.view)

    def show(self, found: list[ApiKeyView]) -> None:
        """Show these keys."""
        self._rows.show((key.id, key_line(key), partial(self._buttons, key)) for key in found)

    def show_new(self, made: NewKey) -> None:
        """Show a key that was made just now, this once."""
        self.words.clear()
        self.form.clear()
        self._secret.show(SHOWN_ONCE.format(name=made.view.name), made.key)

    def refuse(self, sentence: str) -> None:
        """Say why a key was not made or not revoked."""
        self.form.ready()
        self.words.refuse(sentence)

    def _buttons(self, key: ApiKeyView) -> list[pn.viewable.Viewable]:
        revoke = pmui.Button(label="Revoke", variant="text", size="small", color="error", margin=0,
                             sizing_mode="fixed", width=84, height=30, on_click=lambda _: self._ask(key))
        return [revoke]

    def _ask(self, key: ApiKeyView) -> None:
        words = f"Programs that use <b>{formats.text(key.name)}</b> are refused from now on. It cannot be undone."

        def go() -> None:
            self._secret.hide()
            self._revoke(key.id)

        self._question.ask("Revoke this key?", words, "Revoke", go)


def key_line(key: ApiKeyView) -> str:
    """Return one key as HTML."""
    names = [label for label, scope in SCOPES.items() if str(scope) in key.scopes]
    chips = " ".join(f'<span class="bf-chip">{name}</span>' for name in names)
    used = "never used" if key.last_used_at is None else f"last used {formats.ago(key.last_used_at)}"
    ends = "until revoked" if key.expires_at is None else f"until {formats.when(key.expires_at)}"
    return (
        f'<p class="bf-card-title">{formats.text(key.name)} {chips}</p><p class="bf-note">{formats.text(key.id)} · '
        f"{used} · works {ends}</p>"
    )
