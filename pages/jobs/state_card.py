"""The card by which a person starts a job over all imagery of a state; hidden where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from pages import job_text
from pages.markup import pane

if TYPE_CHECKING:
    from webapp.services.state_planning import StateView

WORDS = (
    '<p class="bf-card-title">Whole state</p>'
    '<p class="bf-note">Extract the buildings of a state from all of your scenes that show some of it, as one job.</p>'
)


class StateCard:
    """Offers the states that there is imagery of."""

    def __init__(self, start: Callable[[str], None]) -> None:
        self._choice = pmui.Select(label="State", options={}, size="small", variant="outlined", margin=0,
                                   sizing_mode="stretch_width", description="")
        self._start = start
        self._button = pmui.Button(label="Extract the state", variant="contained", height=32, width=150, margin=0,
                                   sizing_mode="fixed", on_click=lambda _: self._clicked())
        line = pn.Row(self._choice, self._button, margin=0, sizing_mode="stretch_width",
                      styles={"gap": "10px", "align-items": "flex-start"})
        self.view = pmui.Paper(
            pane(WORDS), line, visible=False, margin=0, elevation=0, variant="outlined", sizing_mode="stretch_width",
            sx={"padding": "16px 20px", "display": "flex", "flexDirection": "column", "gap": "12px"},
        )

    def show(self, found: list[StateView]) -> None:
        """Offer these states; the choice stays where it can."""
        options = {f"{state.name} · {job_text.scenes(state.scenes)}": state.code for state in found}
        if options != self._choice.options:
            codes = list(options.values())
            chosen = self._choice.value if self._choice.value in codes else next(iter(codes), None)
            self._choice.param.update(options=options, value=chosen)
        self.view.visible = bool(found)

    def busy(self, busy: bool) -> None:
        """Take no second click while the first is answered."""
        self._button.disabled = busy

    def _clicked(self) -> None:
        if self._choice.value:
            self._start(self._choice.value)
