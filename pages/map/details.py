"""The card of one footprint that was clicked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.map.review_words import REVIEWS
from pages.markup import facts, heading, pane

if TYPE_CHECKING:
    from webapp.services.views import FootprintView

ATTRIBUTES_SHOWN = 8
ATTRIBUTE_LENGTH = 80


class DetailsCard:
    """Hidden until a footprint is chosen."""

    def __init__(self, close: Callable[[], None], review: Callable[[int, str], None]) -> None:
        self._footprint_id = 0
        self._shown_review = "unreviewed"
        self._facts = pane()
        self._review = pmui.RadioButtonGroup(
            options=REVIEWS, value="unreviewed", size="small", margin=(10, 6, 2, 0), sizing_mode="stretch_width",
            sx={"& .MuiToggleButton-root": {"whiteSpace": "nowrap"}, "whiteSpace": "nowrap"},
        )
        self._review.param.watch(lambda event: self._tell(event.new, review), ["value"])
        shut = pmui.IconButton(icon="close", description="Close", size="small", margin=0, on_click=lambda _: close())
        head = pn.Row(heading("Building"), shut, margin=0, sizing_mode="stretch_width",
                      styles={"align-items": "center"})
        paper = pmui.Paper(head, self._facts, self._review, elevation=3, margin=0, sizing_mode="stretch_width",
                           sx={"padding": "8px 8px 12px 14px"})
        self.overlay = pn.Column(
            paper, visible=False, margin=0, css_classes=["bf-details"],
            styles={"position": "absolute", "top": "12px", "right": "58px", "z-index": "21",
                    "width": "min(284px, calc(100% - 70px))"},
        )

    def show(self, found: FootprintView) -> None:
        """Show the facts of a footprint."""
        self._facts.object = facts([
            ("Area", formats.area(found.area_m2)),
            ("Confidence", "not stated" if found.confidence is None else formats.share(found.confidence)),
            ("Outline", formats.text(found.reg_method or "as detected")),
            *_provenance(found),
            ("Job", f"<code>{formats.text(found.job_id[:8])}</code>"),
            *_origin(found),
        ])
        self._footprint_id = found.id
        self.show_review(found.review_state)
        self.overlay.visible = True

    def show_review(self, state: str) -> None:
        """Show what was said of the footprint."""
        self._shown_review = state
        self._review.value = state

    def _tell(self, state: str, review: Callable[[int, str], None]) -> None:
        """Pass a click on; a value that the page itself has set is none."""
        if state != self._shown_review:
            self._shown_review = state
            review(self._footprint_id, state)

    def hide(self) -> None:
        """Show nothing."""
        self.overlay.visible = False


def _origin(found: FootprintView) -> list[tuple[str, str]]:
    """Return where the building comes from: a scene, or a row of a file."""
    if found.file_name is None:
        return [("Scene", formats.text(found.scene_name)), ("Found", formats.when(found.created_at))]
    lines = [("File", formats.text(found.file_name)), ("Imported", formats.when(found.created_at))]
    named = (("Source", found.source_name), ("Its id there", found.source_id))
    lines += [(label, formats.text(value)) for label, value in named if value is not None]
    shown = list(found.attributes.items())[:ATTRIBUTES_SHOWN]
    return lines + [(formats.text(name), formats.text(_short(value))) for name, value in shown]


def _short(value: object) -> str:
    words = str(value)
    return words if len(words) <= ATTRIBUTE_LENGTH else words[: ATTRIBUTE_LENGTH - 1] + "…"


def _provenance(found: FootprintView) -> list[tuple[str, str]]:
    """Return what found the building; jobs of older versions do not tell."""
    lines = []
    if found.gsd_m is not None:
        lines.append(("Ground resolution", formats.gsd(found.gsd_m)))
    if found.weights_name is not None:
        short = formats.text((found.weights_sha256 or "")[:8])
        lines.append(("Weights", f'{formats.text(found.weights_name)} <code title="SHA-256">{short}</code>'))
    return lines
