"""What is shown of the chosen job: tiles, shapes to hover, key figures, export links. Follows filters and view."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pages.background import Background
from pages.export_links import footprint_fields
from pages.export_progress import ExportPanel
from pages.map.canvas import MapCanvas, world_is
from pages.map.details import DetailsCard
from pages.map.drawing import Point
from pages.map.filters import SHOWN, MapFilters
from pages.map.sidebar import Sidebar
from pages.map.store import MapStore, Shapes, geometry_of
from pages.projection import Bounds, bounds_to_degrees, point_to_degrees, to_map

if TYPE_CHECKING:
    from webapp.services.views import FootprintView

WORLD_DEG: Bounds = (-180.0, -90.0, 180.0, 90.0)


def footprints_url(filters: MapFilters, revision: str) -> str:
    """Return the address template of the tiles of what is shown; a new revision makes the browser ask again."""
    if not filters.shows_something:
        return ""
    fields = footprint_fields(filters.query()) | {"colour_by": filters.colour_by, "theme": filters.style.theme}
    return f"/tiles/footprints/{{Z}}/{{X}}/{{Y}}.png?{urlencode({**fields, 'v': revision})}"


class ResultView:
    """Reads through the store in threads and shows the newest answer."""

    def __init__(self, store: MapStore, background: Background, filters: MapFilters, canvas: MapCanvas) -> None:
        self._store = store
        self._background = background
        self._filters = filters
        self._canvas = canvas
        self._revision = ""
        self.details = DetailsCard(close=lambda: background.soon(self.deselect), review=self._review)
        self.sidebar = Sidebar(filters, ExportPanel(store.session, background))
        filters.param.watch(lambda _: background.soon(self.show), [*SHOWN, "job_id"])
        filters.param.watch(lambda _: background.soon(self._show_tiles), ["colour_by", "dark"])
        filters.param.watch(lambda _: background.soon(self.sidebar.show_scope), ["everything"])
        filters.param.watch(lambda _: self._refresh_figures(), ["view_only"])

    def look_for_changes(self) -> None:
        """Show footprints that are new, gone or reviewed since the last look."""
        self._background.run("revision", self._store.revision, self._follow)

    def _follow(self, revision: str | None) -> None:
        if revision is None or revision == self._revision:
            return
        self._revision = revision
        self._canvas.footprints.renew(footprints_url(self._filters, revision))
        self.refresh()

    def show(self) -> None:
        """Show what the filters name."""
        self.deselect()
        self._show_tiles()
        self.refresh()

    def _show_tiles(self) -> None:
        self._canvas.footprints.show(footprints_url(self._filters, self._revision))

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
        bounds = self._canvas.view.bounds_m
        if not self._filters.shows_something or world_is(bounds):
            self._show_shapes(Shapes(0))
            return
        query = self._filters.query()
        self._background.run("shapes", lambda: self._store.shapes(query, bounds), self._show_shapes)

    def select_at(self, point: Point) -> None:
        """Choose the footprint under a click, or none."""
        if not self._filters.shows_something or not self._filters.footprints_visible:
            return
        query = self._filters.query()
        lon_deg, lat_deg = point_to_degrees(*point)
        self._background.run(
            "select", lambda: self._store.footprint_at(lon_deg, lat_deg, query), self._show_selected
        )

    def _review(self, footprint_id: int, state: str) -> None:
        """Note what the person says; the map follows when the index has it."""
        self._background.run(
            "review", lambda: self._store.review(footprint_id, state), lambda _: self.details.show_review(state)
        )

    def deselect(self) -> None:
        """Choose no footprint."""
        self._canvas.select(None)
        self.details.hide()

    def _refresh_figures(self) -> None:
        filters = self._filters
        bounds = self._canvas.view.bounds_m if filters.view_only else None
        self.sidebar.show_links(self._exported_view(bounds))
        if not filters.shows_something:
            self.sidebar.show_figures(None)
            self.sidebar.show_expected(None)
            return
        self._read_expected()
        query = filters.query()
        self._background.run("figures", lambda: self._store.figures(query, bounds), self.sidebar.show_figures)

    def _exported_view(self, bounds_m: Bounds | None) -> Bounds | None:
        """What an export is limited to: everything of everybody's jobs has no job to name, so it names the world."""
        if bounds_m is not None:
            return bounds_to_degrees(bounds_m)
        return WORLD_DEG if self._filters.everything else None

    def _read_expected(self) -> None:
        job_id, least = self._filters.job_id, self._filters.min_confidence
        if job_id is None or self._filters.everything:
            self.sidebar.show_expected(None)
            return
        self._background.run("expected", lambda: self._store.expected(job_id, least), self.sidebar.show_expected)

    def _show_shapes(self, shapes: Shapes) -> None:
        if not self._filters.shows_something:
            shapes = Shapes(0)
        self._canvas.set_vectors(shapes.columns)

    def _show_selected(self, found: FootprintView | None) -> None:
        if found is None:
            self.deselect()
            return
        self._canvas.select(to_map(geometry_of(found.geojson)))
        self.details.show(found)
