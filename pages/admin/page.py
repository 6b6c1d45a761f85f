"""The factory of the administrators' page."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.io import curdoc

from pages.admin.audit_log import AuditLog
from pages.admin.cleanup import Cleanup
from pages.admin.overview import Overview
from pages.admin.people import People
from pages.admin.store import AdminStore
from pages.app_header import ADMIN_LINK
from pages.background import Background
from pages.layout import PageParts, build_page, reading_column
from pages.markup import pane
from pages.section import stacked
from pages.session import Session, current_session

READ_AGAIN_MS = 5_000
PATH = ADMIN_LINK[1]
TITLE = '<h1 class="bf-page-title">Administration</h1>'
REFUSAL = (
    '<p class="bf-note" role="alert">This page is for administrators. Ask one of them if you need something that only '
    'they can do. <a class="bf-link" href="/">To the map</a></p>'
)
TABS = ("Overview", "Accounts", "Clean-up", "Audit log")


class AdminApp:
    """One open administrators' page."""

    def __init__(self, session: Session) -> None:
        store = AdminStore(session)
        self._background = Background(curdoc())
        self._store = store
        self._overview = Overview()
        self._people = People(store, self._background)
        self._cleanup = Cleanup(store, self._background, session.resources.settings.job_retention_days)
        self._audit = AuditLog(store, self._background)
        parts = (self._overview, self._people, self._cleanup, self._audit)
        self._tabs = pmui.Tabs(*zip(TABS, (_tab(part.views) for part in parts), strict=True), margin=0,
                               sizing_mode="stretch_width")
        self._tabs.param.watch(lambda _: self._read(), "active")

    @property
    def main(self) -> pn.viewable.Viewable:
        """What fills the page."""
        return reading_column(pane(TITLE), self._tabs)

    def open(self) -> None:
        """Read what there is, and go on reading."""
        self._read()
        self._background.every(READ_AGAIN_MS, self._read)

    def _read(self) -> None:
        """Read what the open tab shows."""
        opened = TABS[self._tabs.active]
        if opened == "Overview":
            self._background.run("dashboard", self._store.dashboard, self._overview.show, self._overview.words.refuse)
        elif opened == "Accounts":
            self._people.read()
        elif opened == "Audit log":
            self._audit.read()


def _tab(views: list[Any]) -> pn.Column:
    return pn.Column(stacked(*views), margin=0, sizing_mode="stretch_width", styles={"padding-top": "14px"})


def admin_page() -> pn.viewable.Viewable:
    """Build the administrators' page, or for others a refusal."""
    session = current_session()
    if not session.principal.is_administrator:
        return build_page(session, PageParts("Administration", PATH, [reading_column(pane(TITLE), pane(REFUSAL))]))
    app = AdminApp(session)
    curdoc().add_next_tick_callback(app.open)
    return build_page(session, PageParts("Administration", PATH, [app.main]))
