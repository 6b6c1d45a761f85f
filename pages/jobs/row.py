"""One job in the list: a line that is always there, and a part that opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from pages import formats, job_text
from pages.export_links import export_links
from pages.import_text import report_html
from pages.jobs.parts_table import parts_html
from pages.layout import THIN_LINE
from pages.markup import pane
from pages.scene_text import job_url
from webapp.services.footprints import FootprintQuery

if TYPE_CHECKING:
    from webapp.services.state_views import PartView
    from webapp.services.views import ImportView, JobView, MessageView

OPEN_LABEL, CLOSE_LABEL = "Details", "Hide"
RETRYABLE = ("failed", "cancelled", "dead")


@dataclass(frozen=True)
class RowActions:
    """What the row's buttons lead to."""

    cancel: Callable[[str], None]
    retry: Callable[[str], None]
    read_log: Callable[[str], None]


class JobRow:
    """Shows; a reading that changes nothing changes nothing on the page."""

    def __init__(self, job: JobView, actions: RowActions, show_owner: bool) -> None:
        self.job = job
        self._show_owner = show_owner
        self._actions = actions
        self._line = pane(css_classes=["bf-job-line"])
        self._log = pane()
        self._report = pane(visible=False)
        self._parts = pane(visible=False)
        self._retry = pmui.Button(label="Try again", icon="replay", size="small", variant="outlined", margin=0,
                                  visible=False, height=32, on_click=lambda _: actions.retry(job.id))
        self._downloads = pane()
        self._cancel = pmui.Button(label="Cancel", size="small", color="error", variant="outlined", margin=0, width=76,
                                   height=30, sizing_mode="fixed", on_click=lambda _: actions.cancel(job.id))
        self._toggle = pmui.Button(label=OPEN_LABEL, size="small", variant="text", margin=0, width=76, height=30,
                                   sizing_mode="fixed", on_click=lambda _: self._open())
        items = (self._downloads, self._retry, self._report, self._parts, self._log)
        self._details = pn.Column(*items, visible=False, margin=0, sizing_mode="stretch_width",
                                  styles={"gap": "12px", "padding": "4px 0 14px"})
        head = pn.Row(self._line, self._cancel, self._toggle, margin=0, sizing_mode="stretch_width",
                      styles={"gap": "8px", "align-items": "center", "padding": "10px 0"})
        self.view = pn.Column(head, self._details, margin=0, sizing_mode="stretch_width", css_classes=["bf-job-row"],
                              styles={"border-bottom": THIN_LINE})
        self.show(job)

    @property
    def is_open(self) -> bool:
        """Whether the log is shown."""
        return self._details.visible

    def show(self, job: JobView) -> None:
        """Show how the job stands now."""
        self.job = job
        active = job_text.is_active(job)
        self._line.object = line(job, self._show_owner)
        self._cancel.param.update(visible=active, disabled=job.cancel_requested)
        self._retry.visible = job.state in RETRYABLE
        self._downloads.object = _downloads(job)

    def show_log(self, messages: list[MessageView]) -> None:
        """Show the lines of the log."""
        lines = "".join(
            f'<li class="bf-{formats.text(message.level)}"><time>{formats.clock(message.at)}</time>'
            f"<span>{formats.text(message.text)}</span></li>"
            for message in messages
        )
        self._log.object = f'<ol class="bf-log">{lines or "<li>Nothing yet.</li>"}</ol>'

    def show_report(self, found: ImportView) -> None:
        """Show what became of the rows of an imported file."""
        self._report.param.update(object=report_html(found.report), visible=True)

    def show_parts(self, found: list[PartView]) -> None:
        """Show the parts of a job of a whole state."""
        html = parts_html(found)
        if html != self._parts.object:  # who has scrolled in it stays there
            self._parts.param.update(object=html, visible=True)

    def _open(self) -> None:
        self._details.visible = not self._details.visible
        self._toggle.label = CLOSE_LABEL if self._details.visible else OPEN_LABEL
        if self._details.visible:
            self._actions.read_log(self.job.id)


def line(job: JobView, show_owner: bool) -> str:
    """Return the line of a job as HTML."""
    owner = f" · {formats.text(job.owner)}" if show_owner else ""
    name = formats.text(job.source)
    if not _has_no_map(job):
        name = f'<a href="{job_url(job)}">{name}</a>'
    taken = job_text.seconds_taken(job)
    cells = [
        f'<div class="bf-cell-state">{job_text.chip(job)}</div>',
        f'<div class="bf-cell-scene"><b>{name}</b><span>{job_text.scope(job)}{owner}</span></div>',
        f'<div class="bf-cell-progress">{_progress(job)}</div>',
        f'<div class="bf-cell-count"><b>{formats.count(job.footprint_count)}</b><span>buildings</span></div>',
        f'<div class="bf-cell-time"><b>{formats.NO_VALUE if taken is None else formats.duration(taken)}</b>'
        f"<span>{formats.when(job.created_at)}</span></div>",
    ]
    return f'<div class="bf-jobline" data-job="{job.id}" data-state="{job.state}">{"".join(cells)}</div>'


def _progress(job: JobView) -> str:
    if job_text.is_active(job):
        meter = f'<div class="bf-meter"><i style="width:{job.percent_completed:.1f}%"></i></div>'
        return f"<span>{formats.text(job_text.progress(job))}</span>{meter}"
    if job.state in ("failed", "dead"):
        return f'<span class="bf-warn">{formats.text(job_text.outcome(job))}</span>'
    return f"<span>{job_text.done(job) if job.windows_total else formats.NO_VALUE}</span>"


def _downloads(job: JobView) -> str:
    if _has_no_map(job):
        return ""
    on_map = f'<a class="bf-link" href="{job_url(job)}">Show on the map</a>'
    exports = export_links(FootprintQuery(job_id=job.id)) if job.footprint_count else ""
    return f'<div class="bf-links">{on_map}{exports}</div>'


def _has_no_map(job: JobView) -> bool:
    """Tell whether there is nothing to show of a job: no scene of its own, and no buildings yet."""
    return job.scene_id is None and not job.footprint_count
