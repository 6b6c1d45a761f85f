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
STACKED = {"display": "grid", "grid-template-columns": "minmax(0, 1fr)", "gap": "18px", "align-content": "start"}
SIDE_BY_SIDE = STACKED | {"grid-template-columns": "repeat(auto-fit, minmax(min(100%, 400px), 1fr))"}
FLOWING = {"gap": "12px", "flex-wrap": "wrap", "align-items": "center"}
FIELD_SX = {"& .MuiInputBase-root, &.MuiInputBase-root": {"height": "38px"}}
"""Fields of one height: Material makes those for text and those for choices differ."""


def section(title: str, *items: Any) -> pmui.Paper:
    """Return a framed part of a page."""
    head = pane(f'<h2 class="bf-card-title">{title}</h2>')
    return pmui.Paper(
        head, *items, margin=0, elevation=0, variant="outlined", sizing_mode="stretch_width", sx=SECTION_SX
    )


def stacked(*items: Any) -> pn.Row:
    """Return parts of a page below each other."""
    return pn.Row(*items, margin=0, sizing_mode="stretch_width", styles=STACKED)


def side_by_side(*items: Any) -> pn.Row:
    """Return parts of a page beside each other; below each other where there is no room."""
    return pn.Row(*items, margin=0, sizing_mode="stretch_width", styles=SIDE_BY_SIDE)


def flowing(*items: Any) -> pn.Row:
    """Return things in a line that breaks where it has to."""
    return pn.Row(*items, margin=0, sizing_mode="stretch_width", styles=FLOWING)


def list_row(*items: Any) -> pn.Row:
    """Return a row of a list."""
    return pn.Row(*items, margin=0, sizing_mode="stretch_width", styles=ROW_STYLES)


def as_wide(width_px: int) -> dict[str, Any]:
    """Return the settings of something that is so wide in a line, but no wider than the page.

    Panel keeps a row as wide as the sum of the widths that it knows of, also one that breaks: it gets to know none.
    """
    return {"sizing_mode": "stretch_width", "styles": {"flex": f"0 1 {width_px}px", "width": f"{width_px}px"}}


def text_field(label: str, width_px: int, max_length: int) -> pmui.TextInput:
    """Return a field for a line of text."""
    wide = as_wide(width_px)
    return pmui.TextInput(label=label, max_length=max_length, size="small", margin=0, sx=FIELD_SX, **wide)


def choice(label: str, options: dict[str, Any], value: Any, width_px: int) -> pmui.Select:
    """Return a field in which one of a few things is chosen."""
    wide = as_wide(width_px)
    return pmui.Select(label=label, options=options, value=value, size="small", margin=0, sx=FIELD_SX, **wide)


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
