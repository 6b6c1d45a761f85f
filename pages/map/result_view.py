"""What is shown of the buildings: tiles, shapes to hover, key figures, export links. Follows filters and view."""

from __future__ import annotations

from collections.abc import Callable
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
from pages.map.sources import Source
from pages.map.store import Look, MapStore, Wanted, geometry_of, no_shapes
from pages.projection import Bounds, bounds_to_degrees, point_to_degrees, to_map

if TYPE_CHECKING:
    from processing.footprint_index.statistics import ViewStatistics
    from webapp.services.views import FootprintView

WORLD_DEG: Bounds = (-180.0, -90.0, 180.0, 90.0)
LOOK_EVERY_S = 1.0


def footprints_url(filters: MapFilters, revision: str) -> str:
    """Return the address template of the tiles of what is shown; a new revision makes the browser ask again."""
    if not filters.shows_something:
        return ""
    fields = footprint_fields(filters.query(), filters.region_wkt)
    fields |= {"colour_by": filters.colour_by, "theme": filters.style.theme}
    return f"/tiles/footprints/{{Z}}/{{X}}/{{Y}}.png?{urlencode({**fields, 'v': revision})}"


class ResultView:
    """Reads through the store in threads and shows the newest answer. `on_sources`: told where buildings come from."""

    def __init__(
        self,
        store: MapStore,
        background: Background,
        filters: MapFilters,
        canvas: MapCanvas,
        on_sources: Callable[[list[Source]], None],
    ) -> None:
        self._store = store
        self._on_sources = on_sources
        self._background = background
        self._filters = filters
        self._canvas = canvas
        self._revision = ""
        self.details = DetailsCard(close=lambda: background.soon(self.deselect), review=self._review)
        self.sidebar = Sidebar(
            filters, ExportPanel(store.session, background), show_all=lambda: background.soon(self.show_all)
        )
        filters.param.watch(lambda *_: background.soon(self.show), [*SHOWN, "job_id"])
        filters.param.watch(lambda *_: background.soon(self._region_moved), ["region_m"])
        filters.param.watch(lambda *_: background.soon(self._show_tiles), ["colour_by", "dark"])
        filters.param.watch(lambda *_: background.soon(self.sidebar.show_scope), ["everything"])
        filters.param.watch(lambda *_: self._count_anew(), ["view_only"])

    def watch(self) -> None:
        """Show footprints that are new, gone or reviewed, from now on."""
        self._background.watch(LOOK_EVERY_S, self._store.revision, self._follow)

    def _follow(self, revision: str | None) -> None:
        if revision is None or revision == self._revision:
            return
        self._revision = revision
        self._canvas.footprints.renew(footprints_url(self._filters, revision))
        self.refresh()
        self._read_sources()

    def show(self) -> None:
        """Show what the filters name."""
        self.deselect()
        self._canvas.filter_by_region(self._filters.region_wkt is not None)
        self._show_tiles()
        self.refresh()

    def _region_moved(self) -> None:
        if self._filters.region_only:
            self.show()

    def _show_tiles(self) -> None:
        self._canvas.footprints.show(footprints_url(self._filters, self._revision))

    def _read_sources(self) -> None:
        self._background.run("sources", self._store.sources, self._on_sources)

    def show_all(self) -> None:
        """Move the view so that everything shown is seen."""
        query = self._filters.map_query()
        self._background.run("extent", lambda: self._store.extent(query), self._move_to)

    def _move_to(self, bounds_m: Bounds | None) -> None:
        if bounds_m is not None:
            self._canvas.fit(bounds_m)

    def refresh(self) -> None:
        """Read shapes and figures again."""
        self._count_anew()
        if not self._filters.view_only:
            self._read_view()

    def view_moved(self) -> None:
        """Follow the view. What is counted of everything does not change with it."""
        if self._filters.view_only:
            self._show_links()
        self._read_view()

    def _read_view(self) -> None:
        """Read what the view shows: its shapes, and its figures where they are the ones that are told."""
        bounds = self._canvas.view.bounds_m
        wanted = Wanted(shapes=not world_is(bounds), figures=self._filters.view_only)
        if not self._filters.shows_something or not (wanted.shapes or wanted.figures):
            self._canvas.set_vectors(no_shapes())
            return
        query = self._filters.map_query()
        self._background.run("view", lambda: self._store.look(query, bounds, wanted), self._show_look)

    def select_at(self, point: Point) -> None:
        """Choose the footprint under a click, or none."""
        if not self._filters.shows_something or not self._filters.footprints_visible:
            return
        query = self._filters.map_query()
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

    def _count_anew(self) -> None:
        self._show_links()
        self._read_expected()
        if not self._filters.shows_something:
            self.sidebar.show_figures(None)
        elif self._filters.view_only:
            self._read_view()
        else:
            query = self._filters.map_query()
            self._background.run("figures", lambda: self._store.figures(query), self._show_figures_of_all)

    def _show_links(self) -> None:
        self.sidebar.show_links(self._exported_view())

    def _exported_view(self) -> Bounds | None:
        """What an export is limited to: everything of everybody's jobs has no job to name, so it names the world."""
        if self._filters.view_only:
            return bounds_to_degrees(self._canvas.view.bounds_m)
        return WORLD_DEG if self._filters.everything else None

    def _read_expected(self) -> None:
        job_id, least = self._filters.job_id, self._filters.min_confidence
        if job_id is None or self._filters.everything:
            self.sidebar.show_expected(None)
            return
        self._background.run("expected", lambda: self._store.expected(job_id, least), self.sidebar.show_expected)

    def _show_figures_of_all(self, found: ViewStatistics) -> None:
        if not self._filters.view_only and self._filters.shows_something:
            self.sidebar.show_figures(found)

    def _show_look(self, found: Look) -> None:
        shows = self._filters.shows_something
        self._canvas.set_vectors(found.shapes if shows else no_shapes())
        if found.figures is not None and self._filters.view_only and shows:
            self.sidebar.show_figures(found.figures)

    def _show_selected(self, found: FootprintView | None) -> None:
        if found is None:
            self.deselect()
            return
        self._canvas.select(to_map(geometry_of(found.geojson)))
        self.details.show(found)
