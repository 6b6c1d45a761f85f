"""The bar at the foot of the map: what would be extracted and the button for it, and how the job at hand stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from pages import formats, job_text
from pages.map.filters import MapFilters
from pages.markup import pane

if TYPE_CHECKING:
    from webapp.services.footprints import FootprintStatistics
    from webapp.services.views import JobView

ROW = {"gap": "12px", "align-items": "center"}


class ActionBar:
    """Shows; the page decides."""

    def __init__(
        self, filters: MapFilters, estimate: Any, extract: Callable[[], None], cancel: Callable[[], None]
    ) -> None:
        self._only = pmui.Switch.from_param(
            filters.param.region_only, label="Show only its buildings", size="small", margin=0, description=""
        )
        self._only.visible = False
        self._target = pane()
        self._extract = pmui.Button(label="Extract here", icon="auto_awesome", variant="contained", margin=0,
                                    sizing_mode="fixed", width=136, height=36, on_click=lambda _: extract())
        self._status = pane()
        self._bar = pmui.LinearProgress(value=0, margin=(8, 0, 0, 0), sizing_mode="stretch_width",
                                        variant="determinate")
        self._cancel = pmui.Button(label="Cancel", variant="outlined", size="small", color="error", margin=0,
                                   sizing_mode="fixed", width=82, height=30, on_click=lambda _: cancel())
        self._job = pn.Column(
            pn.Row(self._status, self._cancel, margin=0, sizing_mode="stretch_width",
                   styles=ROW),
            self._bar, visible=False, margin=0, sizing_mode="stretch_width", css_classes=["bf-job"],
        )
        head = pn.Row(self._target, self._extract, margin=0, sizing_mode="stretch_width",
                      styles=ROW)
        paper = pmui.Paper(head, estimate, self._only, self._job, elevation=4, margin=0, sizing_mode="stretch_width",
                           sx={"padding": "12px 14px", "gap": "10px", "display": "flex", "flexDirection": "column"})
        self.overlay = pn.Column(
            paper, visible=False, margin=0, css_classes=["bf-action-bar"],
            styles={"position": "absolute", "left": "12px", "bottom": "12px", "z-index": "20",
                    "width": "min(560px, calc(100% - 24px))"},
        )

    def show_target(self, scene_name: str, drawn: bool, area_m2: float) -> None:
        """Say what an extraction would cover."""
        scope = "Drawn region" if drawn else "Whole scene"
        small = f"of {formats.text(scene_name)}" if drawn else formats.text(scene_name)
        self._only.visible = drawn
        outside = drawn and area_m2 == 0
        size = "lies outside the imagery" if outside else formats.area(area_m2)
        self._extract.disabled = outside
        self._target.object = f'<p class="bf-target"><b>{scope} · {size}</b><span>{small}</span></p>'
        self.overlay.visible = True

    def busy(self, busy: bool) -> None:
        """Keep the button from being pressed twice while a job is submitted."""
        self._extract.loading = busy

    def refuse(self, sentence: str) -> None:
        """Show why nothing was started."""
        self._show_status(f'<p class="bf-note bf-warn" role="alert">{formats.text(sentence)}</p>', active=False)

    def forget_job(self) -> None:
        """Show no job."""
        self._job.visible = False

    def show_job(self, job: JobView) -> None:
        """Show how a job stands."""
        active = job_text.is_active(job)
        words = job_text.progress(job) if active else job_text.outcome(job)
        kind = "bf-note" if active or job.state in ("succeeded", "cancelled") else "bf-note bf-warn"
        self._show_status(self._line(job, f'<span class="{kind}">{formats.text(words)}</span>'), active)
        waiting = active and not job.windows_total
        self._bar.param.update(
            variant="indeterminate" if waiting else "determinate", value=round(job.percent_completed)
        )
        self._cancel.disabled = job.cancel_requested

    def show_result(self, job: JobView, found: FootprintStatistics) -> None:
        """Show count and area of a finished job."""
        words = f"{job_text.buildings(found.count)} · {formats.area(found.total_area_m2)} of roof"
        taken = job_text.seconds_taken(job)
        ending = f" in {formats.duration(taken)}" if taken is not None else ""
        body = f'<span class="bf-note"><b>{formats.text(words)}</b>{ending}</span>'
        self._show_status(self._line(job, body), active=False)

    def _line(self, job: JobView, words: str) -> str:
        return f'<div class="bf-status" data-job="{job.id}" data-state="{job.state}">{job_text.chip(job)}{words}</div>'

    def _show_status(self, html: str, active: bool) -> None:
        self._status.object = html
        self._job.visible = True
        self._bar.visible = active
        self._cancel.visible = active
