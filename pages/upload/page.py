"""The factory of the upload page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import panel as pn
from bokeh.io import curdoc

from pages import import_text, job_text
from pages.background import Background
from pages.layout import PageParts, build_page, reading_column
from pages.markup import heading, pane
from pages.scene_text import job_url, map_url, one_line
from pages.session import Session, current_session
from pages.upload.drop_zone import DropZone
from pages.upload.import_card import ImportCard
from pages.upload.kept_list import Kept, KeptList, ListWords
from pages.upload.scene_card import SceneCard
from pages.upload.store import UploadStore
from webapp.services.tiers import limits_of

if TYPE_CHECKING:
    from webapp.services.views import ImportView, SceneView

TITLE = '<h1 class="bf-page-title">Upload</h1>'
TICK_MS = 1000
SCENE_WORDS = ListWords(
    empty="No scenes yet. Drop a GeoTIFF above to begin.",
    question="Delete this scene?",
    loss=", its jobs and their footprints are removed for good.",
)
IMPORT_WORDS = ListWords(
    empty="No imports yet. Drop a file of footprints above to see them on the map.",
    question="Delete this import?",
    loss=" and all footprints that came from it are removed for good.",
)


class UploadApp:
    """One open upload page."""

    def __init__(self, session: Session) -> None:
        self._store = UploadStore(session)
        self._background = Background(curdoc())
        self._card = SceneCard(extract=self._extract)
        self._import_card = ImportCard()
        self._list = KeptList(SCENE_WORDS, delete=self._delete)
        self._imports = KeptList(IMPORT_WORDS, delete=self._delete_import)
        limit_bytes = limits_of(session.resources.settings, session.principal.tier).upload_bytes
        self._zone = DropZone(self._arrived, session.csrf_token, limit_bytes)

    @property
    def main(self) -> pn.viewable.Viewable:
        """What fills the page."""
        return reading_column(
            pane(TITLE), self._zone, self._card.view, self._import_card.view,
            heading("Your scenes"), self._list.view, heading("Your imports"), self._imports.view,
        )  # fmt: skip

    def open(self) -> None:
        """Read what there is, once the page is up, and follow an import that runs."""
        self._read_lists()
        self._background.every(TICK_MS, self._tick)

    def _read_lists(self) -> None:
        self._background.run("scenes", self._store.scenes, self._show_scenes, self._list.refuse)
        self._background.run("imports", self._store.imports, self._show_imports, self._imports.refuse)

    def _show_scenes(self, found: list[SceneView]) -> None:
        self._list.show([Kept(scene.id, scene.name, one_line(scene), map_url(scene.id)) for scene in found])

    def _show_imports(self, found: list[ImportView]) -> None:
        self._imports.show([
            Kept(one.job.id, one.job.source, import_text.one_line(one),
                 job_url(one.job) if one.job.footprint_count else None)
            for one in found if not job_text.is_active(one.job)
        ])  # fmt: skip

    def _tick(self) -> None:
        if self._import_card.is_active:
            self._read_import(self._import_card.import_id)

    def _arrived(self, kind: str, arrived_id: str) -> None:
        if kind == "import":
            self._read_import(arrived_id)
        else:
            read = partial(self._store.scene, arrived_id)
            self._background.run("arrived", read, self._show_arrived, self._list.refuse)

    def _show_arrived(self, scene: SceneView) -> None:
        self._card.show(scene)
        self._read_lists()

    def _read_import(self, import_id: str) -> None:
        read = partial(self._store.found_import, import_id)
        self._background.run("import", read, self._show_import, self._imports.refuse)

    def _show_import(self, found: ImportView) -> None:
        self._import_card.show(found)
        if not self._import_card.is_active:
            self._read_lists()

    def _extract(self, scene_id: str, outlines: str) -> None:
        self._card.busy()
        work = partial(self._store.extract, scene_id, outlines)
        self._background.run("extract", work, self._card.show_job, self._card.refuse)

    def _delete(self, scene_id: str) -> None:
        def gone(left: list[SceneView]) -> None:
            self._card.hide_if(scene_id)
            self._show_scenes(left)

        self._background.run("delete", partial(self._store.delete, scene_id), gone, self._list.refuse)

    def _delete_import(self, import_id: str) -> None:
        def gone(left: list[ImportView]) -> None:
            self._import_card.hide_if(import_id)
            self._show_imports(left)

        work = partial(self._store.delete_import, import_id)
        self._background.run("delete-import", work, gone, self._imports.refuse)


def upload_page() -> pn.viewable.Viewable:
    """Build the upload page for the person who asked for it."""
    session = current_session()
    app = UploadApp(session)
    curdoc().add_next_tick_callback(app.open)
    return build_page(session, PageParts("Upload", "/upload", [app.main]))
