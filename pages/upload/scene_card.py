"""The card of a scene that has just arrived: what the check found, and what to do next."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.markup import facts, pane
from pages.scene_text import checked_facts, job_url, map_url
from pages.upload.store import AS_DETECTED

if TYPE_CHECKING:
    from webapp.services.views import JobView, SceneView


OUTLINES = {
    "Best shape for each building": "auto",
    "Right angles": "right_angles",
    "Right angles and diagonals": "right_angles_and_diagonals",
    "Any angle": "any_angle",
    "Circle": "circle",
    "As detected": AS_DETECTED,
}


class SceneCard:
    """Hidden until there is a scene."""

    def __init__(self, extract: Callable[[str, str], None]) -> None:
        self._scene_id = ""
        self._facts = pane()
        self._message = pane(visible=False)
        self._show = pmui.Button(label="Show on the map", icon="map", href="/", margin=0, variant="outlined", height=36)
        self._outlines = pmui.Select(label="Outlines", options=OUTLINES, value="auto", size="small", margin=0,
                                     width=230)
        self._extract = pmui.Button(label="Extract whole scene", icon="auto_awesome", variant="contained", margin=0,
                                    height=36, on_click=lambda _: extract(self._scene_id, self._outlines.value))
        buttons = pn.Row(self._outlines, self._extract, self._show, margin=0,
                         styles={"gap": "10px", "flex-wrap": "wrap", "align-items": "flex-end"})
        self.view = pmui.Paper(
            self._facts, self._message, buttons, visible=False, margin=0, elevation=0, variant="outlined",
            sizing_mode="stretch_width",
            sx={"padding": "18px 20px", "display": "flex", "flexDirection": "column", "gap": "14px"},
        )

    def show(self, scene: SceneView) -> None:
        """Show a scene that was just kept."""
        self._scene_id = scene.id
        title = f'<p class="bf-card-title">{formats.text(scene.name)} is ready</p>'
        self._facts.object = title + f'<div class="bf-gap">{facts(checked_facts(scene))}</div>'
        self._message.visible = False
        self._extract.disabled = False
        self._show.href = map_url(scene.id)
        self.view.visible = True

    def show_job(self, job: JobView) -> None:
        """Say that the extraction has been asked for."""
        self._extract.param.update(loading=False, disabled=True)
        self._show.href = job_url(job)
        self._say('<p class="bf-note" role="status"><b>Extraction started.</b> Follow it on the map or under '
                  '<a href="/jobs">Jobs</a>.</p>')

    def refuse(self, sentence: str) -> None:
        """Say why nothing was started."""
        self._extract.loading = False
        self._say(f'<p class="bf-note bf-warn" role="alert">{formats.text(sentence)}</p>')

    def busy(self) -> None:
        """Keep the button from being pressed twice."""
        self._extract.loading = True

    def hide_if(self, scene_id: str) -> None:
        """Hide the card of a scene that was removed."""
        if scene_id == self._scene_id:
            self.view.visible = False

    def _say(self, html: str) -> None:
        self._message.param.update(object=html, visible=True)
