"""The factory of the jobs page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui
from bokeh.io import curdoc

from pages import formats, job_text
from pages.background import Background
from pages.jobs.row import JobRow, RowActions
from pages.jobs.state_card import StateCard
from pages.jobs.store import JobsStore
from pages.layout import PageParts, build_page, reading_column
from pages.markup import pane
from pages.session import Session, current_session

if TYPE_CHECKING:
    from webapp.services.views import JobView

TICK_MS = 1000
IDLE_EVERY_TICKS = 5
STATES_EVERY_TICKS = 30
PAGE_SIZE = 50
TITLE = '<h1 class="bf-page-title">Jobs</h1>'
EMPTY = (
    '<p class="bf-note">No jobs yet. <a class="bf-link" href="/upload">Upload imagery or footprints</a> or choose '
    'a scene on the <a class="bf-link" href="/">map</a> and press <b>Extract here</b>.</p>'
)


class JobsApp:
    """One open jobs page. Rows are kept by job, so that readings change only what has changed."""

    def __init__(self, session: Session) -> None:
        self._store = JobsStore(session)
        self._background = Background(curdoc())
        self._show_owner = session.principal.is_administrator
        self._actions = RowActions(cancel=self._cancel, retry=self._retry, read_log=self._read_log)
        self._states = StateCard(self._start_state)
        self._rows: dict[str, JobRow] = {}
        self._limit = PAGE_SIZE
        self._ticks = 0
        self._empty = pane(EMPTY, visible=False)
        self._message = pane(visible=False)
        self._list = pn.Column(pane(), margin=0, sizing_mode="stretch_width")
        self._more = pmui.Button(label="Show older jobs", variant="text", visible=False, margin=0,
                                 on_click=lambda _: self._show_older())

    @property
    def main(self) -> pn.viewable.Viewable:
        """What fills the page."""
        return reading_column(pane(TITLE), self._message, self._states.view, self._empty, self._list, self._more)

    def open(self) -> None:
        """Read what there is, and go on reading."""
        self._read()
        self._read_states()
        self._background.every(TICK_MS, self._tick)

    def _tick(self) -> None:
        self._ticks += 1
        active = any(job_text.is_active(row.job) for row in self._rows.values())
        if active or self._ticks % IDLE_EVERY_TICKS == 0:
            self._read()
        if self._ticks % STATES_EVERY_TICKS == 0:
            self._read_states()

    def _read_states(self) -> None:
        self._background.run("states", self._store.states, self._states.show, self._refuse)

    def _read(self) -> None:
        self._background.run("jobs", partial(self._store.jobs, self._limit), self._show, self._refuse)

    def _show(self, found: list[JobView]) -> None:
        self._message.visible = False
        self._empty.visible = not found
        self._more.visible = len(found) >= self._limit
        self._rows = {job.id: self._row(job) for job in found}
        wanted = [row.view for row in self._rows.values()]
        if self._list.objects != wanted:
            self._list.objects = wanted

    def _row(self, job: JobView) -> JobRow:
        row = self._rows.get(job.id)
        if row is None:
            return JobRow(job, self._actions, self._show_owner)
        changed = job != row.job
        if changed or job_text.is_active(job):
            row.show(job)
        if changed and row.is_open:
            self._read_log(job.id)
        return row

    def _read_log(self, job_id: str) -> None:
        row = self._rows.get(job_id)
        if row is not None:
            self._background.run(f"log-{job_id}", partial(self._store.log, job_id), row.show_log, self._refuse)
            if row.job.is_import:
                read = partial(self._store.report, job_id)
                self._background.run(f"report-{job_id}", read, row.show_report, self._refuse)
            if row.job.is_state:
                self._background.run(
                    f"parts-{job_id}", partial(self._store.parts, job_id), row.show_parts, self._refuse
                )

    def _start_state(self, code: str) -> None:
        self._states.busy(True)
        self._background.run("start", partial(self._store.start_state, code), self._started, self._refuse)

    def _retry(self, job_id: str) -> None:
        self._background.run(f"retry-{job_id}", partial(self._store.retry, job_id), self._started, self._refuse)

    def _started(self, job: JobView) -> None:
        del job
        self._states.busy(False)
        self._read()

    def _cancel(self, job_id: str) -> None:
        self._background.run(
            f"cancel-{job_id}", partial(self._store.cancel, job_id), lambda _: self._read(), self._refuse
        )

    def _refuse(self, sentence: str) -> None:
        self._states.busy(False)
        self._message.param.update(
            object=f'<p class="bf-note bf-warn" role="alert">{formats.text(sentence)}</p>', visible=True
        )

    def _show_older(self) -> None:
        self._limit += PAGE_SIZE
        self._read()


def jobs_page() -> pn.viewable.Viewable:
    """Build the jobs page for the person who asked for it."""
    session = current_session()
    app = JobsApp(session)
    curdoc().add_next_tick_callback(app.open)
    return build_page(session, PageParts("Jobs", "/jobs", [app.main]))
