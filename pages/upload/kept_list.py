"""The list of what a person has uploaded, with a way to remove one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.layout import THIN_LINE
from pages.markup import pane

SHOWN_AT_FIRST = 30
ROW_STYLES = {"gap": "6px", "align-items": "center", "padding": "10px 0", "border-bottom": THIN_LINE}


@dataclass(frozen=True)
class Kept:
    """A scene or an import: its name, its facts as HTML, and where the map shows it (None: nothing to be seen)."""

    id: str
    name: str
    line: str
    map_url: str | None


@dataclass(frozen=True)
class ListWords:
    """What the list says: where it is empty, as the title of its question, and of what is lost with a deletion."""

    empty: str
    question: str
    loss: str


class KeptList:
    """Rows are kept by what they show, so that a new reading changes only what is new."""

    def __init__(self, words: ListWords, delete: Callable[[str], None]) -> None:
        self._words = words
        self._delete = delete
        self._rows: dict[Kept, pn.Row] = {}
        self._shown = SHOWN_AT_FIRST
        self._found: list[Kept] = []
        self._doomed: Kept | None = None
        self._message = pane(visible=False)
        self._empty = pane(f'<p class="bf-note">{words.empty}</p>')
        self._list = pn.Column(pane(), margin=0, sizing_mode="stretch_width")
        self._more = pmui.Button(label="Show all", variant="text", margin=0, visible=False, on_click=self._show_all)
        self._question = pane()
        yes = pmui.Button(label="Delete", color="error", variant="contained", on_click=self._confirmed)
        no = pmui.Button(label="Keep", variant="text", on_click=self._kept)
        self._dialog = pmui.Dialog(self._question, pn.Row(yes, no), open=False, title=words.question)
        self.view = pn.Column(self._message, self._list, self._more, self._dialog, margin=0,
                              sizing_mode="stretch_width")

    def show(self, found: list[Kept]) -> None:
        """Show these."""
        self._found = found
        self._message.visible = False
        self._rows = {kept: self._rows.get(kept) or self._row(kept) for kept in found[: self._shown]}
        wanted = list(self._rows.values()) or [self._empty]
        if self._list.objects != wanted:
            self._list.objects = wanted
        self._more.param.update(visible=len(found) > self._shown, label=f"Show all {len(found)}")

    def refuse(self, sentence: str) -> None:
        """Say why one was not removed."""
        self._message.param.update(
            object=f'<p class="bf-note bf-warn" role="alert">{formats.text(sentence)}</p>', visible=True
        )

    def _row(self, kept: Kept) -> pn.Row:
        words = pane(f'<p class="bf-card-title">{formats.text(kept.name)}</p><p class="bf-note">{kept.line}</p>')
        show = pmui.IconButton(icon="map", description="Show on the map", size="small", margin=0,
                               href=kept.map_url or "/", visible=kept.map_url is not None)
        remove = pmui.IconButton(icon="delete_outline", description="Delete", size="small", margin=0,
                                 on_click=lambda _: self._ask(kept))
        return pn.Row(words, show, remove, margin=0, sizing_mode="stretch_width", styles=ROW_STYLES)

    def _ask(self, kept: Kept) -> None:
        self._doomed = kept
        self._question.object = f'<p class="bf-note"><b>{formats.text(kept.name)}</b>{self._words.loss}</p>'
        self._dialog.open = True

    def _confirmed(self, event: object) -> None:
        self._dialog.open = False
        if self._doomed is not None:
            self._delete(self._doomed.id)
            self._doomed = None

    def _kept(self, event: object) -> None:
        self._dialog.open = False
        self._doomed = None

    def _show_all(self, event: object) -> None:
        self._shown = len(self._found)
        self.show(self._found)
