"""Pieces that the pages about people share: a framed part of a page, a row of a list, a word about what went wrong."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.layout import THIN_LINE
from pages.markup import pane

SECTION_SX = {"padding": "18px 20px", "display": "flex", "flexDirection": "column", "gap": "12px"}
ROW_STYLES = {"gap": "8px", "align-items": "center", "padding": "10px 0", "border-bottom": THIN_LINE}
SIDE_BY_SIDE = {
    "display": "grid", "grid-template-columns": "repeat(auto-fit, minmax(min(100%, 400px), 1fr))", "gap": "18px",
    "align-items": "stretch",
}  # fmt: skip
FLOWING = {"gap": "12px", "flex-wrap": "wrap", "align-items": "center"}


def section(title: str, *items: Any) -> pmui.Paper:
    """Return a framed part of a page."""
    head = pane(f'<h2 class="bf-card-title">{title}</h2>')
    return pmui.Paper(
        head, *items, margin=0, elevation=0, variant="outlined", sizing_mode="stretch_width", sx=SECTION_SX
    )


def side_by_side(*items: Any) -> pn.Column:
    """Return parts of a page beside each other; below each other where there is no room."""
    return pn.Column(*items, margin=0, sizing_mode="stretch_width", styles=SIDE_BY_SIDE)


def flowing(*items: Any) -> pn.Row:
    """Return things in a line that breaks where it has to."""
    return pn.Row(*items, margin=0, sizing_mode="stretch_width", styles=FLOWING)


def list_row(*items: Any) -> pn.Row:
    """Return a row of a list."""
    return pn.Row(*items, margin=0, sizing_mode="stretch_width", styles=ROW_STYLES)


class Words:
    """A line that says how something went; hidden while there is nothing to say."""

    def __init__(self) -> None:
        self.view = pane(visible=False)

    def say(self, html: str) -> None:
        """Say something; `html` is escaped already."""
        self.view.param.update(object=f'<p class="bf-note" role="status">{html}</p>', visible=True)

    def refuse(self, sentence: str) -> None:
        """Say why something was not done."""
        html = f'<p class="bf-note bf-warn" role="alert">{formats.text(sentence)}</p>'
        self.view.param.update(object=html, visible=True)

    def clear(self) -> None:
        """Say nothing."""
        self.view.visible = False
