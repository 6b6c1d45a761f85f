"""Buttons over the map: drawing on the left with a hint below, zoom on the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.map.drawing import Drawing, History, Mode
from pages.markup import pane

BUTTON_SX = {
    "minWidth": "0",
    "height": "32px",
    "padding": "0 10px !important",
    "whiteSpace": "nowrap",
    "@media (max-width: 600px)": {
        "fontSize": "0", "padding": "0 8px !important", "& .MuiButton-startIcon": {"margin": "0"},
    },
}
HINTS = {
    Mode.POLYGON: "Click the corners of the region. Click the first corner, press Enter or use Finish to close it; "
    "Esc stops.",
    Mode.BOX: "Press on one corner of the region, drag to the opposite one and let go. Esc stops.",
}


@dataclass(frozen=True)
class DrawActions:
    """What the buttons lead to."""

    polygon: Callable[[], None]
    box: Callable[[], None]
    finish: Callable[[], None]
    undo: Callable[[], None]
    clear: Callable[[], None]


class DrawToolbar:
    """The drawing buttons and the sentence that tells what to do next."""

    def __init__(self, actions: DrawActions) -> None:
        self._polygon = _button("Draw polygon", "polyline", actions.polygon)
        self._box = _button("Draw box", "highlight_alt", actions.box)
        self._finish = _button("Finish", "check", actions.finish, color="success", variant="contained")
        self._undo = _button("Undo", "undo", actions.undo)
        self._clear = _button("Clear", "delete_outline", actions.clear)
        buttons = [self._polygon, self._box, self._finish, self._undo, self._clear]
        self._hint = pane(visible=False, sizing_mode=None, width=330, styles={"pointer-events": "none"})
        self._bar = pmui.Paper(pn.Row(*buttons, margin=0, styles={"gap": "2px"}), elevation=3, margin=0,
                               styles={"pointer-events": "auto"}, sx={"padding": "4px", "width": "fit-content"})
        self.overlay = pn.Column(
            self._bar, self._hint, margin=0, css_classes=["bf-tools"],
            # A corner may lie under the hint: clicks go through it.
            styles={"position": "absolute", "top": "12px", "left": "12px", "z-index": "20", "gap": "8px",
                    "pointer-events": "none"},
        )

    def show(self, history: History, problem: str = "") -> None:
        """Show which button is on, what can be undone, and the hint or the problem."""
        now = history.now
        self._polygon.param.update(**_look(now.mode is Mode.POLYGON))
        self._box.param.update(**_look(now.mode is Mode.BOX))
        self._finish.visible = now.mode is Mode.POLYGON and len(now.vertices) >= 1
        self._undo.disabled = not history.can_undo
        self._clear.disabled = now == Drawing()
        words = problem or _hint(now)
        self._hint.visible = bool(words)
        kind = "bf-hint bf-bad" if problem else "bf-hint"
        self._hint.object = f'<p class="{kind}" role="status">{formats.text(words)}</p>'


def zoom_overlay(zoom_in: Callable[[], None], zoom_out: Callable[[], None], fit: Callable[[], None]) -> pn.Column:
    """Return the buttons that move the view."""
    buttons = [
        _icon("add", "Zoom in", zoom_in),
        _icon("remove", "Zoom out", zoom_out),
        _icon("crop_free", "Show the whole scene", fit),
    ]
    paper = pmui.Paper(pn.Column(*buttons, margin=0), elevation=3, margin=0, sx={"width": "fit-content"})
    styles = {"position": "absolute", "top": "12px", "right": "12px", "z-index": "20"}
    return pn.Column(paper, margin=0, styles=styles)


def _hint(now: Drawing) -> str:
    if now.mode is Mode.POLYGON and len(now.vertices) >= 3:
        corners = f"{len(now.vertices)} corners."
        return f"{corners} Click the first corner again, press Enter or use Finish to close the region."
    return HINTS.get(now.mode, "")


def _look(active: bool) -> dict[str, str]:
    return {"variant": "contained" if active else "text"}


def _button(label: str, icon: str, action: Callable[[], None], **params: str) -> pmui.Button:
    settings = {"variant": "text", "size": "small", "margin": 0, "icon_size": "18px", **params}
    # No tooltip: it would open over the next button and take its clicks.
    return pmui.Button(label=label, icon=icon, sx=BUTTON_SX, on_click=lambda _: action(), **settings)


def _icon(icon: str, label: str, action: Callable[[], None]) -> pmui.IconButton:
    return pmui.IconButton(icon=icon, description=label, size="small", margin=0, width=34, height=34,
                           on_click=lambda _: action())
