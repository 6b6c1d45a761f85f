"""The card of a file of footprints that has just arrived: how far its import is, and what became of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from pages import formats, job_text
from pages.import_text import report_html
from pages.markup import pane
from pages.scene_text import job_url

if TYPE_CHECKING:
    from webapp.services.views import ImportView, JobView


class ImportCard:
    """Hidden until there is an import."""

    def __init__(self) -> None:
        self.import_id = ""
        self.is_active = False
        self._head = pane()
        self._report = pane()
        self._show = pmui.Button(label="Show on the map", icon="map", href="/", margin=0, variant="contained",
                                 height=36, visible=False)
        self._jobs = pmui.Button(label="Jobs", href="/jobs", margin=0, variant="outlined", height=36)
        buttons = pn.Row(self._show, self._jobs, margin=0, styles={"gap": "10px", "flex-wrap": "wrap"})
        self.view = pmui.Paper(
            self._head, self._report, buttons, visible=False, margin=0, elevation=0, variant="outlined",
            sizing_mode="stretch_width",
            sx={"padding": "18px 20px", "display": "flex", "flexDirection": "column", "gap": "14px"},
        )

    def show(self, found: ImportView) -> None:
        """Show how an import stands."""
        job = found.job
        self.import_id, self.is_active = job.id, job_text.is_active(job)
        self._head.object = head(job)
        report = report_html(found.report)
        if report != self._report.object:  # what a person has opened in it stays open
            self._report.object = report
        self._show.param.update(href=job_url(job), visible=bool(job.footprint_count))
        self.view.visible = True

    def hide_if(self, import_id: str) -> None:
        """Hide the card of an import that was removed."""
        if import_id == self.import_id:
            self.import_id, self.is_active, self.view.visible = "", False, False


def head(job: JobView) -> str:
    """Return name, state and progress as HTML."""
    title = f'<p class="bf-card-title">{formats.text(job.source)}</p>'
    words = job_text.progress(job) if job_text.is_active(job) else job_text.outcome(job)
    tone = " bf-warn" if job.state in ("failed", "dead") else ""
    state = f'<p class="bf-note{tone}" role="status">{formats.text(words)}</p>'
    meter = ""
    if job_text.is_active(job):
        meter = f'<div class="bf-meter bf-gap"><i style="width:{job.percent_completed:.1f}%"></i></div>'
    return f'<div class="bf-row">{title}{job_text.chip(job)}</div>{state}{meter}'
