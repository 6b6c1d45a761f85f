"""All accounts: finding, making and changing them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from auth.principals import Role
from pages import formats
from pages.admin.person_form import PersonForm
from pages.admin.person_row import PersonActions, PersonRow
from pages.admin.store import AdminStore
from pages.background import Background
from pages.markup import pane
from pages.question import Question
from pages.secret_field import SecretField
from pages.section import Words, flowing, section, text_field
from webapp.services.people import PersonChange

if TYPE_CHECKING:
    from webapp.services.people import NewPerson, PersonView

PAGE_SIZE = 25
HAND_OVER = "The password of {name}. Hand it over now: it is shown only this once. {name} should change it."


class People:
    """The part of the page about accounts."""

    def __init__(self, store: AdminStore, background: Background) -> None:
        self._store, self._background = store, background
        self._rows: dict[int, PersonRow] = {}
        self._limit = PAGE_SIZE
        self._actions = PersonActions(self._change, self._ask_shut_out, self._ask_new_password)
        self._words, self._form_words = Words(), Words()
        self._secret, self._question = SecretField(), Question()
        self._form = PersonForm(self._make)
        self._search = text_field("Search by name or address", 280, 100)
        self._search.param.watch(lambda _: self._find(), "value_input")
        self._none = pane('<p class="bf-note">No account has this in its name or address.</p>')
        self._list = pn.Column(pane(), margin=0, sizing_mode="stretch_width")
        self._more = pmui.Button(label="Show more", variant="text", margin=0, visible=False,
                                 on_click=lambda _: self._show_more())
        self.views = [
            section("Make an account", self._form.view, self._form_words.view, self._secret),
            section("Accounts", flowing(self._search), self._words.view, self._list, self._more,
                    self._question.view),
        ]

    def read(self) -> None:
        """Read the accounts that are looked for."""
        work = partial(self._store.people, self._search.value_input or "", self._limit)
        self._background.run("people", work, self._show, self._words.refuse)

    def _show(self, found: list[PersonView]) -> None:
        self._rows = {person.id: self._row(person) for person in found}
        wanted = [row.view for row in self._rows.values()] or [self._none]
        if self._list.objects != wanted:
            self._list.objects = wanted
        self._more.visible = len(found) >= self._limit

    def _row(self, person: PersonView) -> PersonRow:
        row = self._rows.get(person.id)
        if row is None:
            return PersonRow(person, self._actions)
        if row.person != person:
            row.show(person)
        return row

    def _find(self) -> None:
        self._limit = PAGE_SIZE
        self.read()

    def _show_more(self) -> None:
        self._limit += PAGE_SIZE
        self.read()

    def _change(self, person: PersonView, change: PersonChange) -> None:
        self._background.run(
            f"change-{person.id}", partial(self._store.change, person.id, change), self._changed, self._refuse
        )

    def _changed(self, person: PersonView) -> None:
        self._words.say(f"<b>{formats.text(person.username)}</b> is changed.")
        self.read()

    def _ask_shut_out(self, person: PersonView) -> None:
        words = (
            f"<b>{formats.text(person.username)}</b> is signed out everywhere, and all of the account's API keys are "
            "revoked for good. Scenes, jobs and footprints stay."
        )
        go = partial(self._change, person, PersonChange(is_active=False))
        self._question.ask("Shut this account out?", words, "Shut out", go)

    def _ask_new_password(self, person: PersonView) -> None:
        words = (
            f"The old password of <b>{formats.text(person.username)}</b> stops working, all sessions end and all API "
            "keys are revoked."
        )

        def go() -> None:
            work = partial(self._store.set_new_password, person.id)
            self._background.run("password", work, partial(self._hand_over, person.username), self._refuse)

        self._question.ask("Set a new password?", words, "Set a new password", go)

    def _make(self, username: str, email: str, role: Role) -> None:
        work = partial(self._store.make_person, username, email, role)
        self._background.run("make", work, partial(self._made, username.strip().lower()), self._refuse_form)

    def _made(self, username: str, made: NewPerson) -> None:
        self._form.clear()
        self._hand_over(username, made.password)
        self.read()

    def _hand_over(self, username: str, password: str) -> None:
        self._words.clear()
        self._form_words.clear()
        self._secret.show(HAND_OVER.format(name=username), password)

    def _refuse_form(self, sentence: str) -> None:
        self._form.ready()
        self._form_words.refuse(sentence)

    def _refuse(self, sentence: str) -> None:
        self._words.refuse(sentence)
        self.read()
