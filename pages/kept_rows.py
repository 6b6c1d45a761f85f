"""A list whose rows stay: a new reading changes the words in them, and what is new or gone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import panel as pn
import panel_material_ui as pmui

from pages.markup import pane
from pages.section import list_row

type MakeButtons = Callable[[], list[pn.viewable.Viewable]]


class KeptRows:
    """Rows of some HTML with buttons behind it, by a key. The first `shown` of them, until all are asked for."""

    def __init__(self, none: str = "", shown: int = 20) -> None:
        self._shown = shown
        self._rows: dict[Hashable, tuple[pn.Row, pn.pane.HTML]] = {}
        self._found: list[tuple[Hashable, str, MakeButtons]] = []
        self._none = pane(f'<p class="bf-note">{none}</p>')
        self._list = pn.Column(pane(), margin=0, sizing_mode="stretch_width")
        self._all = pmui.Button(label="Show all", variant="text", margin=0, visible=False, on_click=self._show_all)
        self.view = pn.Column(self._list, self._all, margin=0, sizing_mode="stretch_width")

    def show(self, found: Iterable[tuple[Hashable, str, MakeButtons]]) -> None:
        """Show (key, HTML, what makes the buttons of a new row) each in a row."""
        self._found = list(found)
        self._rows = {key: self._row(key, html, buttons) for key, html, buttons in self._found[: self._shown]}
        wanted = [row for row, _ in self._rows.values()] or [self._none]
        if self._list.objects != wanted:
            self._list.objects = wanted
        self._all.param.update(visible=len(self._found) > self._shown, label=f"Show all {len(self._found)}")

    def _row(self, key: Hashable, html: str, buttons: MakeButtons) -> tuple[pn.Row, pn.pane.HTML]:
        if key not in self._rows:
            words = pane(html)
            return list_row(words, *buttons()), words
        self._rows[key][1].object = html
        return self._rows[key]

    def _show_all(self, event: object) -> None:
        self._shown = max(self._shown, len(self._found))
        self.show(self._found)
