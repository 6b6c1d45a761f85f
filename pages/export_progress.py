"""Exports that are too large for a download in one go: a worker prepares the file, the page shows how far it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.export_links import BUTTONS, MORE, export_links
from pages.markup import pane
from processing.rendering.tile_grid import bounds_to_mercator
from webapp.services import export_files
from webapp.services.exports import ViewScope
from webapp.services.footprint_maps import MapQuery

if TYPE_CHECKING:
    from pages.background import Background
    from pages.projection import Bounds
    from pages.session import Session
    from webapp.services.export_files import ExportView
    from webapp.services.footprints import FootprintQuery

LARGE_ROWS = 50_000
"""Above this a streamed download takes longer than the second or two that anybody waits without a sign of progress,
and a break costs all of it: a stream cannot be taken up again, a file can."""
LOOK_MS = 700


@dataclass(frozen=True)
class Wanted:
    """What is to be exported, and how many rows it has, where that is known."""

    query: MapQuery | None = None
    view_deg: Bounds | None = None
    region_wkt: str | None = None
    """The query's region, as addresses say it."""
    rows: int | None = None

    @property
    def is_large(self) -> bool:
        """Tell whether the file is to be prepared first."""
        return self.query is not None and self.rows is not None and self.rows > LARGE_ROWS

    @property
    def scope(self) -> FootprintQuery | ViewScope:
        """Return the services' form of it."""
        assert self.query is not None
        if self.view_deg is None:
            return self.query.footprints if self.query.region is None else ViewScope(self.query)
        return ViewScope(self.query, bounds_to_mercator(self.view_deg))

    @property
    def links(self) -> str:
        """Return plain links to the downloads, as HTML."""
        query = None if self.query is None else self.query.footprints
        return export_links(query, self.view_deg, self.region_wkt)


class ExportPanel:
    """The export buttons: plain links for what is small, for the rest a file that is prepared and then offered."""

    def __init__(self, session: Session, background: Background) -> None:
        self._session = session
        self._background = background
        self._wanted = Wanted()
        self._prepared: ExportView | None = None
        self._links = pane()
        # Not a FlexBox: Panel makes that with `new Function`, which the page's security policy forbids.
        self._buttons = pn.Row(
            *(self._button(*entry) for entry in (*BUTTONS, *MORE)), visible=False, margin=0,
            sizing_mode="stretch_width", styles={"flex-wrap": "wrap", "gap": "5px"},
        )
        self._progress = pane(visible=False)
        self.panel = pn.Column(
            self._links, self._buttons, self._progress, margin=0, sizing_mode="stretch_width", styles={"gap": "8px"}
        )
        background.every(LOOK_MS, self._look)

    def point(self, query: MapQuery | None, view_deg: Bounds | None, region_wkt: str | None = None) -> None:
        """Point the buttons at what is shown; until that is counted, it is taken to be as much as before."""
        self._show(Wanted(query, view_deg, region_wkt, self._wanted.rows))

    def count(self, rows: int | None) -> None:
        """Note how many rows what is shown has."""
        self._show(replace(self._wanted, rows=rows))

    def _show(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._links.param.update(object=wanted.links, visible=not wanted.is_large)
        self._buttons.visible = wanted.is_large

    def _button(self, name: str, label: str) -> pmui.Button:
        button = pmui.Button(label=label, size="small", variant="outlined", margin=0)
        button.on_click(lambda _: self._background.soon(partial(self._prepare, name)))
        return button

    def _prepare(self, name: str) -> None:
        scope, session = self._wanted.scope, self._session
        self._progress.param.update(object='<p class="bf-note">Counting …</p>', visible=True)
        self._background.run(
            "export",
            lambda: export_files.submit_export(session.resources, session.principal, scope, name),
            self._follow,
            self._say,
        )

    def _look(self) -> None:
        prepared, session = self._prepared, self._session
        if prepared is None or prepared.is_finished:
            return
        self._background.run(
            "export progress",
            lambda: export_files.get_export(session.resources, session.principal, prepared.id),
            self._follow,
            self._say,
        )

    def _follow(self, found: ExportView) -> None:
        self._prepared = found
        self._progress.param.update(object=progress_html(found), visible=True)

    def _say(self, sentence: str) -> None:
        self._prepared = None
        self._progress.param.update(object=problem_html(sentence), visible=True)


def progress_html(export: ExportView) -> str:
    """Return how far an export is, its download, or why there is none."""
    if export.state == "failed":
        return problem_html(export.error_message or "The export failed.")
    name = formats.text(export.filename)
    if export.state != "succeeded":
        share = 100 * export.rows_done / export.rows_total if export.rows_total else 0.0
        words = "Waiting for a worker" if export.state == "queued" else _words(export)
        meter = f'<i style="width:{share:.1f}%"></i>'
        return (
            f'<p class="bf-note">{name}: {words}</p>'
            f'<div class="bf-meter" role="progressbar" aria-valuenow="{share:.0f}">{meter}</div>'
        )
    link = f'<a class="bf-link" data-export="{export.id}" href="/api/v1/exports/{export.id}/file" download>{name}</a>'
    facts = f"{formats.count(export.rows_total)} buildings, {formats.size(export.size_bytes or 0)}"
    note = f"{facts}, kept until {formats.when(export.expires_at)}. A download that breaks off can be resumed."
    return f'<div class="bf-links">{link}</div><p class="bf-note">{note}</p>'


def problem_html(sentence: str) -> str:
    """Return a sentence that says what went wrong."""
    return f'<p class="bf-warn" role="alert">{formats.text(sentence)}</p>'


def _words(export: ExportView) -> str:
    if export.rows_done >= export.rows_total:
        return "finishing the file"
    return f"{formats.count(export.rows_done)} of {formats.count(export.rows_total)} buildings"
