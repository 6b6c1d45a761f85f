"""Who did what, newest first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import panel_material_ui as pmui

from pages.admin.audit_text import KINDS, audit_table
from pages.admin.store import AdminStore
from pages.background import Background
from pages.markup import pane
from pages.section import Words, choice, flowing, section, text_field

if TYPE_CHECKING:
    from webapp.services.administration import AuditView

PAGE_SIZE = 30
NOTHING = '<p class="bf-note">Nothing of this was done.</p>'


class AuditLog:
    """The part of the page about the audit log."""

    def __init__(self, store: AdminStore, background: Background) -> None:
        self._store, self._background = store, background
        self._limit = PAGE_SIZE
        self._words = Words()
        self._person = text_field("By (user name)", 200, 64)
        self._kind = choice("What", KINDS, "", 180)
        self._person.param.watch(lambda _: self._find(), "value_input")
        self._kind.param.watch(lambda _: self._find(), "value")
        self._table = pane()
        self._older = pmui.Button(label="Show older", variant="text", margin=0, visible=False,
                                  on_click=lambda _: self._show_older())
        self.views = [section("Audit log", flowing(self._person, self._kind), self._words.view, self._table,
                              self._older)]

    def read(self) -> None:
        """Read the lines that are looked for."""
        work = partial(self._store.audit_log, self._person.value_input or "", self._kind.value, self._limit)
        self._background.run("audit", work, self._show, self._words.refuse)

    def _show(self, found: list[AuditView]) -> None:
        self._words.clear()
        self._table.object = audit_table(found) if found else NOTHING
        self._older.visible = len(found) >= self._limit

    def _find(self) -> None:
        self._limit = PAGE_SIZE
        self.read()

    def _show_older(self) -> None:
        self._limit += PAGE_SIZE
        self.read()
