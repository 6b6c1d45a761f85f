"""The list of a person's scenes, with a way to remove one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.layout import THIN_LINE
from pages.markup import pane
from pages.scene_text import map_url, one_line

if TYPE_CHECKING:
    from webapp.services.views import SceneView

SHOWN_AT_FIRST = 30
ROW_STYLES = {"gap": "6px", "align-items": "center", "padding": "10px 0", "border-bottom": THIN_LINE}


class SceneList:
    """Rows are kept by scene, so that a new reading changes only what is new."""

    def __init__(self, delete: Callable[[str], None]) -> None:
        self._delete = delete
        self._rows: dict[str, pn.Row] = {}
        self._shown = SHOWN_AT_FIRST
        self._found: list[SceneView] = []
        self._doomed: SceneView | None = None
        self._message = pane(visible=False)
        self._empty = pane('<p class="bf-note">No scenes yet. Drop a GeoTIFF above to begin.</p>')
        self._list = pn.Column(pane(), margin=0, sizing_mode="stretch_width")
        self._more = pmui.Button(label="Show all", variant="text", margin=0, visible=False, on_click=self._show_all)
        self._question = pane()
        yes = pmui.Button(label="Delete", color="error", variant="contained", on_click=self._confirmed)
        no = pmui.Button(label="Keep", variant="text", on_click=self._kept)
        self._dialog = pmui.Dialog(self._question, pn.Row(yes, no), open=False, title="Delete this scene?")
        self.view = pn.Column(self._message, self._list, self._more, self._dialog, margin=0,
                              sizing_mode="stretch_width")

    def show(self, found: list[SceneView]) -> None:
        """Show these scenes."""
        self._found = found
        self._message.visible = False
        kept = {scene.id: self._rows.get(scene.id) or self._row(scene) for scene in found[: self._shown]}
        self._rows = kept
        wanted = list(kept.values()) or [self._empty]
        if self._list.objects != wanted:
            self._list.objects = wanted
        self._more.param.update(visible=len(found) > self._shown, label=f"Show all {len(found)}")

    def refuse(self, sentence: str) -> None:
        """Say why a scene was not removed."""
        self._message.param.update(
            object=f'<p class="bf-note bf-warn" role="alert">{formats.text(sentence)}</p>', visible=True
        )

    def _row(self, scene: SceneView) -> pn.Row:
        words = pane(
            f'<p class="bf-card-title">{formats.text(scene.name)}</p><p class="bf-note">{one_line(scene)}</p>'
        )
        show = pmui.IconButton(icon="map", description="Show on the map", size="small", margin=0,
                               href=map_url(scene.id))
        remove = pmui.IconButton(icon="delete_outline", description="Delete", size="small", margin=0,
                                 on_click=lambda _: self._ask(scene))
        return pn.Row(words, show, remove, margin=0, sizing_mode="stretch_width", styles=ROW_STYLES)

    def _ask(self, scene: SceneView) -> None:
        self._doomed = scene
        self._question.object = (
            f'<p class="bf-note"><b>{formats.text(scene.name)}</b>, its jobs and their footprints are '
            "removed for good.</p>"
        )
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
