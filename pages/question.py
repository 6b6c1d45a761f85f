"""A question before something that cannot be undone."""

from __future__ import annotations

from collections.abc import Callable

import panel as pn
import panel_material_ui as pmui

from pages.markup import pane


class Question:
    """A dialog; what was asked for is done only after its button was pressed."""

    def __init__(self) -> None:
        self._then: Callable[[], None] | None = None
        self._words = pane(styles={"padding": "0 9px 12px"})
        self._yes = pmui.Button(label="Yes", color="error", variant="contained", on_click=self._confirmed)
        no = pmui.Button(label="Cancel", variant="text", on_click=self._refused)
        self.view = pmui.Dialog(self._words, pn.Row(self._yes, no), open=False, title="",
                                styles={"position": "absolute"})

    def ask(self, title: str, html: str, yes: str, then: Callable[[], None]) -> None:
        """Ask; `html` is escaped already, and `yes` is what the button says."""
        self._then = then
        self._words.object = f'<p class="bf-note">{html}</p>'
        self._yes.label = yes
        self.view.param.update(title=title, open=True)

    def _confirmed(self, event: object) -> None:
        self.view.open = False
        then, self._then = self._then, None
        if then is not None:
            then()

    def _refused(self, event: object) -> None:
        self.view.open = False
        self._then = None
