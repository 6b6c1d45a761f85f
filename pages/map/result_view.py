"""What is shown of the chosen job: tiles, shapes to hover, key figures, export links. Follows filters and view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pages.background import Background
from pages.map.canvas import MapCanvas, world_is
from pages.map.details import DetailsCard
from pages.map.drawing import Point
from pages.map.filters import MapFilters
from pages.map.sidebar import Sidebar
from pages.map.store import MapStore, Shapes, geometry_of, query_of
from pages.projection import bounds_to_degrees, point_to_degrees, to_map

if TYPE_CHECKING:
    from webapp.services.footprints import FootprintStatistics
    from webapp.services.views import FootprintView, JobView


def footprints_url(job_id: str | None, min_confidence: float, revision: str) -> str:
    """Return the address template of a job's tiles; a new revision makes the browser ask again."""
    if job_id is None:
        return ""
    query = urlencode({"job_id": job_id, "min_confidence": f"{min_confidence:.2f}", "v": revision})
    return f"/tiles/footprints/{{Z}}/{{X}}/{{Y}}.png?{query}"


def revision_of(job: JobView | None) -> str:
    """Return what changes when a job has saved more footprints."""
    return "0" if job is None else str(job.footprint_count)


class ResultView:
    """Reads through the store in threads and shows the newest answer."""

    def __init__(self, store: MapStore, background: Background, filters: MapFilters, canvas: MapCanvas) -> None:
        self._store = store
        self._background = background
        self._filters = filters
        self._canvas = canvas
        self._revision = "0"
        self.details = DetailsCard(close=lambda: background.soon(self.deselect))
        self.sidebar = Sidebar(filters)
        self.statistics: FootprintStatistics | None = None
        filters.param.watch(lambda _: background.soon(self._show_tiles), ["min_confidence"])
        filters.param.watch(lambda _: self._refresh_figures(), ["view_only"])

    def choose(self, revision: str) -> None:
        """Show the job that the filters name, in the state that the revision stands for."""
        self._revision = revision
        self._show_tiles()

    def _show_tiles(self) -> None:
        self.deselect()
        self._canvas.footprints.show(self._url())
        self.refresh()

    def renew(self, revision: str) -> None:
        """Show that the job has more footprints than before."""
        self._revision = revision
        self._canvas.footprints.renew(self._url())
        self.refresh()

    def refresh(self) -> None:
        """Read shapes and figures again."""
        self._refresh_figures()
        self.refresh_shapes()

    def view_moved(self) -> None:
        """Follow the view."""
        self.refresh_shapes()
        if self._filters.view_only:
            self._refresh_figures()

    def refresh_shapes(self) -> None:
        """Put the footprints of the view on the map as shapes, when they are few enough."""
        job_id, bounds = self._filters.job_id, self._canvas.view.bounds_m
        if job_id is None or world_is(bounds):
            self._show_shapes(Shapes(0))
            return
        query = query_of(job_id, self._filters.min_confidence, bounds)
        self._background.run("shapes", lambda: self._store.shapes(query), self._show_shapes)

    def select_at(self, point: Point) -> None:
        """Choose the footprint under a click, or none."""
        job_id = self._filters.job_id
        if job_id is None or not self._filters.footprints_visible:
            return
        query = query_of(job_id, self._filters.min_confidence)
        lon_deg, lat_deg = point_to_degrees(*point)
        self._background.run(
            "select", lambda: self._store.footprint_at(lon_deg, lat_deg, query), self._show_selected
        )

    def deselect(self) -> None:
        """Choose no footprint."""
        self._canvas.select(None)
        self.details.hide()

    def _refresh_figures(self) -> None:
        job_id = self._filters.job_id
        bounds = self._canvas.view.bounds_m if self._filters.view_only else None
        bbox_deg = None if bounds is None else bounds_to_degrees(bounds)
        self.sidebar.show_links(job_id, bbox_deg, self._filters.min_confidence)
        if job_id is None:
            self._show_statistics(None)
            self.sidebar.show_expected(None)
            return
        least = self._filters.min_confidence
        self._background.run("expected", lambda: self._store.expected(job_id, least), self.sidebar.show_expected)
        query = query_of(job_id, self._filters.min_confidence, bounds)
        self._background.run("statistics", lambda: self._store.statistics(query), self._show_statistics)

    def _show_statistics(self, found: FootprintStatistics | None) -> None:
        self.statistics = found
        self.sidebar.show_statistics(found)

    def _show_shapes(self, shapes: Shapes) -> None:
        if self._filters.job_id is None:
            shapes = Shapes(0)
        self._canvas.set_vectors(shapes.columns)

    def _show_selected(self, found: FootprintView | None) -> None:
        if found is None:
            self.deselect()
            return
        self._canvas.select(to_map(geometry_of(found.geojson)))
        self.details.show(found)

    def _url(self) -> str:
        return footprints_url(self._filters.job_id, self._filters.min_confidence, self._revision)
