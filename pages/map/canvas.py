"""The map itself: a Bokeh figure in EPSG:3857 with its layers, its view and the shapes being drawn."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from bokeh.core.property.descriptors import UnsetValueError
from bokeh.models import BoxSelectTool, ColumnDataSource, HoverTool, PanTool, Range1d, WheelZoomTool
from bokeh.plotting import figure
from shapely import MultiPolygon, Polygon

from pages.map.drawing import Drawing
from pages.map.tile_layer import TileLayer
from pages.projection import WORLD_HALF_M, Bounds

SELECTED_COLOR = "#a64dff"
REGION_COLOR = "#ff4fa3"
REGION_ALPHA = 0.12
REGION_DASH = [7, 4]
VIEW_MARGIN = 1.08
SIDE_MIN_M = 60.0
HOVER_TEMPLATE = (
    '<div style="font: 12px/1.5 Roboto, system-ui, sans-serif"><b style="font-size: 13px">@area</b><br>'
    "confidence @confidence<br>@job</div>"
)
SIZE_MIN_PX = 50
LAYOUT_SETTLES_S = 3.0
SIZE_GUESS_PX = (900, 700)
START_VIEW: Bounds = (-14_200_000.0, 2_600_000.0, -7_200_000.0, 6_600_000.0)
NOTHING_TO_FIT: tuple[Bounds, float] = (START_VIEW, 0.0)


@dataclass(frozen=True)
class View:
    """What the map shows: bounds in EPSG:3857 and the size of the frame."""

    bounds_m: Bounds
    width_px: int
    height_px: int

    @property
    def m_per_px(self) -> float:
        """Map metres per screen pixel."""
        return (self.bounds_m[2] - self.bounds_m[0]) / max(1, self.width_px)


def fitted(bounds_m: Bounds, width_px: int, height_px: int) -> Bounds:
    """Return the bounds that show all of `bounds_m` with a margin and equal metres per pixel in x and y."""
    west, south, east, north = bounds_m
    width_m, height_m = max(east - west, SIDE_MIN_M), max(north - south, SIDE_MIN_M)
    m_per_px = VIEW_MARGIN * max(width_m / max(1, width_px), height_m / max(1, height_px))
    half_x, half_y = m_per_px * width_px / 2, m_per_px * height_px / 2
    x, y = (west + east) / 2, (south + north) / 2
    return x - half_x, y - half_y, x + half_x, y + half_y


class MapCanvas:
    """Owns the figure. Others ask it to show things; it knows nothing of scenes or jobs."""

    def __init__(self) -> None:
        self.figure = _empty_figure()
        self._size_px: tuple[int, int] | None = None
        self._fit_again = NOTHING_TO_FIT
        self.base = TileLayer(self.figure, "base", zoom_max=18)
        self.outer_base = TileLayer(self.figure, "outer-base", zoom_max=19)
        self.imagery = TileLayer(self.figure, "imagery")
        self.footprints = TileLayer(self.figure, "footprints")
        self.vectors = ColumnDataSource({name: [] for name in ("xs", "ys", "area", "confidence", "job")})
        self.selected = ColumnDataSource({"xs": [], "ys": []})
        self.outline = ColumnDataSource({"xs": [], "ys": []})
        self.region = ColumnDataSource({"xs": [], "ys": []})
        self.corners = ColumnDataSource({"x": [], "y": []})
        self.band = ColumnDataSource({"x": [], "y": []}, name="rubber-band")
        self._add_shapes()
        self.box_tool = self._add_tools()

    @property
    def view(self) -> View:
        """The present view; before the browser has told its size, a guess."""
        plot = self.figure
        bounds = (plot.x_range.start, plot.y_range.start, plot.x_range.end, plot.y_range.end)
        return View(bounds, *(self._size_px or SIZE_GUESS_PX))

    def fit(self, bounds_m: Bounds) -> None:
        """Move the view so that all of `bounds_m` is seen, also when the frame's size is told only a moment later."""
        until_s = math.inf if self._size_px is None else time.monotonic() + LAYOUT_SETTLES_S
        self._fit_again = (bounds_m, until_s)
        self._fit_now(bounds_m)

    def resized(self) -> None:
        """Take in the size of the frame that the browser has told."""
        try:
            size_px = (self.figure.inner_width, self.figure.inner_height)
        except UnsetValueError:
            return  # one of the two is told before the other
        if min(size_px) < SIZE_MIN_PX:
            return  # a frame that is not laid out yet
        self._size_px = size_px
        bounds_m, until_s = self._fit_again
        if until_s == math.inf:
            # A slow line may bring the first size long after the page was made; the layout settles from here on.
            self._fit_again = (bounds_m, time.monotonic() + LAYOUT_SETTLES_S)
        if time.monotonic() < until_s:
            self._fit_now(bounds_m)

    def zoom(self, factor: float) -> None:
        """Zoom about the middle; a factor above 1 shows less ground. A size told later no longer fits the scene."""
        self._fit_again = NOTHING_TO_FIT
        west, south, east, north = self.view.bounds_m
        x, y = (west + east) / 2, (south + north) / 2
        half_x, half_y = (east - west) / 2 / factor, (north - south) / 2 / factor
        self._go((x - half_x, y - half_y, x + half_x, y + half_y))

    def draw(self, drawing: Drawing) -> None:
        """Show a drawing: the region, the corners so far and the line between them."""
        xs, ys = ([v[0] for v in drawing.vertices], [v[1] for v in drawing.vertices])
        self.corners.data = {"x": xs, "y": ys}
        self.band.data = {"x": xs, "y": ys}
        self.region.data = _rings(drawing.region)

    def filter_by_region(self, filtering: bool) -> None:
        """Tell by its look whether only what lies in the drawn region is shown: a firm line, and nothing over it."""
        self._region_glyph.update(fill_alpha=0.0 if filtering else REGION_ALPHA,
                                  line_dash="solid" if filtering else REGION_DASH, line_width=3 if filtering else 2)

    def set_outline(self, geometry_m: Polygon | MultiPolygon | None) -> None:
        """Show the edge of the chosen scene."""
        self.outline.data = _rings(geometry_m)

    def select(self, geometry_m: Polygon | MultiPolygon | None) -> None:
        """Show one footprint as chosen."""
        self.selected.data = _rings(geometry_m)

    def set_vectors(self, columns: dict[str, list[object]]) -> None:
        """Show footprints as shapes that can be hovered."""
        self.vectors.data = columns

    def let_hover(self, allowed: bool) -> None:
        """Let footprints be hovered, or not while they are hidden."""
        self._hoverable.visible = allowed

    def arm_box(self, armed: bool) -> None:
        """Let a drag draw a box, or move the map again."""
        toolbar = self.figure.toolbar
        toolbar.active_drag = self.box_tool if armed else next(t for t in toolbar.tools if isinstance(t, PanTool))

    def darken(self, dark: bool) -> None:
        """Take the dark or the light look where no tile covers the plot."""
        self.figure.update(background_fill_color="#10171e" if dark else "#dfe6ea")

    def _fit_now(self, bounds_m: Bounds) -> None:
        view = self.view
        self._go(fitted(bounds_m, view.width_px, view.height_px))

    def _go(self, bounds_m: Bounds) -> None:
        west, south, east, north = bounds_m
        # The four ends travel one by one. A paint between two of them would let the tile layers, which make both axes
        # alike at every paint, answer half a move with a view of their own.
        with self.figure.hold(render=True):
            self.figure.x_range.update(start=west, end=east)
            self.figure.y_range.update(start=south, end=north)

    def _add_shapes(self) -> None:
        plot = self.figure
        plot.multi_polygons("xs", "ys", source=self.outline, fill_alpha=0, line_color="#ffffff", line_width=1.5,
                            line_dash=[6, 4], line_alpha=0.85, name="scene-outline")
        self._hoverable = plot.multi_polygons(
            # Tiles draw the footprints; their shapes show only under the pointer.
            "xs", "ys", source=self.vectors, fill_alpha=0, line_alpha=0, line_width=2,
            hover_fill_color=SELECTED_COLOR, hover_fill_alpha=0.3, hover_line_color=SELECTED_COLOR,
            hover_line_alpha=1, name="footprint-shapes",
        )
        plot.multi_polygons("xs", "ys", source=self.selected, fill_color=SELECTED_COLOR, fill_alpha=0.3,
                            line_color=SELECTED_COLOR, line_width=2.5, name="selected")
        self._region_glyph = plot.multi_polygons(
            "xs", "ys", source=self.region, fill_color=REGION_COLOR, fill_alpha=REGION_ALPHA, line_color=REGION_COLOR,
            line_width=2, line_dash=REGION_DASH, name="region",
        ).glyph
        plot.line("x", "y", source=self.band, line_color=REGION_COLOR, line_width=2, line_dash=[5, 4])
        plot.scatter("x", "y", source=self.corners, size=9, fill_color="#ffffff", line_color=REGION_COLOR, line_width=2)

    def _add_tools(self) -> BoxSelectTool:
        pan, wheel = PanTool(), WheelZoomTool(zoom_on_axis=False)
        box_tool = BoxSelectTool(renderers=[], persistent=False)
        box_tool.overlay.update(fill_color=REGION_COLOR, fill_alpha=REGION_ALPHA, line_color=REGION_COLOR, line_width=2)
        hover = HoverTool(renderers=[self._hoverable], tooltips=HOVER_TEMPLATE, point_policy="follow_mouse")
        self.figure.add_tools(pan, wheel, box_tool, hover)
        self.figure.toolbar.update(active_drag=pan, active_scroll=wheel)
        return box_tool


def _empty_figure() -> figure:
    west, south, east, north = START_VIEW
    return figure(
        name="map", x_range=Range1d(west, east), y_range=Range1d(south, north), match_aspect=True,
        sizing_mode="stretch_both", min_height=280, tools=[], toolbar_location=None, x_axis_type=None,
        y_axis_type=None, min_border=0, outline_line_color=None, x_axis_location=None, y_axis_location=None,
        background_fill_color="#dfe6ea", border_fill_color=None, lod_threshold=None, output_backend="canvas",
    )


def _rings(geometry_m: Polygon | MultiPolygon | None) -> dict[str, list[object]]:
    """Return the columns of one shape for Bokeh's MultiPolygons, or none."""
    if geometry_m is None or geometry_m.is_empty:
        return {"xs": [], "ys": []}
    xs, ys = rings_of(geometry_m)
    return {"xs": [xs], "ys": [ys]}


def rings_of(geometry_m: Polygon | MultiPolygon) -> tuple[list[list[list[float]]], list[list[list[float]]]]:
    """Return (xs, ys) of a geometry: for each polygon its outer ring, then its holes."""
    parts = list(geometry_m.geoms) if isinstance(geometry_m, MultiPolygon) else [geometry_m]
    rings = [[part.exterior, *part.interiors] for part in parts]
    xs = [[list(ring.coords.xy[0])[:-1] for ring in part] for part in rings]
    ys = [[list(ring.coords.xy[1])[:-1] for ring in part] for part in rings]
    return xs, ys


def world_is(bounds_m: Bounds) -> bool:
    """Tell whether a view shows so much of the world that footprints in it mean nothing."""
    return bounds_m[2] - bounds_m[0] > WORLD_HALF_M
