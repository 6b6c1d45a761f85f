"""The factory of the upload page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import panel as pn
from bokeh.io import curdoc

from pages.background import Background
from pages.layout import PageParts, build_page, reading_column
from pages.markup import heading, pane
from pages.session import Session, current_session
from pages.upload.drop_zone import DropZone
from pages.upload.scene_card import SceneCard
from pages.upload.scene_list import SceneList
from pages.upload.store import UploadStore
from webapp.services.tiers import limits_of

if TYPE_CHECKING:
    from webapp.services.views import SceneView

TITLE = '<h1 class="bf-page-title">Upload imagery</h1>'


class UploadApp:
    """One open upload page."""

    def __init__(self, session: Session) -> None:
        self._store = UploadStore(session)
        self._background = Background(curdoc())
        self._card = SceneCard(extract=self._extract)
        self._list = SceneList(delete=self._delete)
        limit_bytes = limits_of(session.resources.settings, session.principal.tier).upload_bytes
        self._zone = DropZone(self._arrived, session.csrf_token, limit_bytes)

    @property
    def main(self) -> pn.viewable.Viewable:
        """What fills the page."""
        return reading_column(pane(TITLE), self._zone, self._card.view, heading("Your scenes"), self._list.view)

    def open(self) -> None:
        """Read what there is, once the page is up."""
        self._background.run("scenes", self._store.scenes, self._list.show, self._list.refuse)

    def _arrived(self, scene_id: str) -> None:
        self._background.run("arrived", partial(self._store.scene, scene_id), self._show_arrived, self._list.refuse)

    def _show_arrived(self, scene: SceneView) -> None:
        self._card.show(scene)
        self.open()

    def _extract(self, scene_id: str, outlines: str) -> None:
        self._card.busy()
        work = partial(self._store.extract, scene_id, outlines)
        self._background.run("extract", work, self._card.show_job, self._card.refuse)

    def _delete(self, scene_id: str) -> None:
        def gone(left: list[SceneView]) -> None:
            self._card.hide_if(scene_id)
            self._list.show(left)

        self._background.run("delete", partial(self._store.delete, scene_id), gone, self._list.refuse)


def upload_page() -> pn.viewable.Viewable:
    """Build the upload page for the person who asked for it."""
    session = current_session()
    app = UploadApp(session)
    curdoc().add_next_tick_callback(app.open)
    return build_page(session, PageParts("Upload", "/upload", [app.main]))
