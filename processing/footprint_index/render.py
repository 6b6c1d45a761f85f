"""Tiles and views of the index as PNG: sums far out, points in between, exact areas near, outlines nearest."""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.errors import ParameterInvalid
from processing.footprint_index.area_shading import covered_shares, shade_areas
from processing.footprint_index.blocks import blocks_by_centre
from processing.footprint_index.cell_layers import add_cells, level_of
from processing.footprint_index.centres import add_centres
from processing.footprint_index.columns import BLOCK, HIGHEST_FILTERED_LEVEL
from processing.footprint_index.compiling import read_only
from processing.footprint_index.coverage import Coverage, Pen, add_shapes, empty_coverage
from processing.footprint_index.coverage_pool import CoveragePool
from processing.footprint_index.density_scale import density_scale, row_offsets
from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.grid import GRID_UNITS, BoundsM, GridWindow, tile_window, view_window
from processing.footprint_index.layers import AREA, CONFIDENCE, COUNT, SOURCE, Layers, Painter, empty_layers
from processing.footprint_index.marks import MARK_MARGIN_PX, with_marks
from processing.footprint_index.palette_png import encode_picture
from processing.footprint_index.palette_tables import (
    coverage_table,
    density_table,
    outline_table,
    plain_coverage_table,
    plain_outline_table,
)
from processing.footprint_index.palettes import CLASSES, Style, area_classes, confidence_classes
from processing.footprint_index.shading import (
    DENSITY_STEPS,
    LOGARITHMS,
    OPACITY_STEPS,
    blank_picture,
    shade_classes,
    shade_density,
)
from processing.footprint_index.snapshot import OpenSegment, Snapshot
from processing.rendering.tile_grid import TileAddress

TILE_SIZES_PX = (256, 512)
AREAS_UP_TO_UNITS = 1024.0
"""Units of the grid in a pixel of zoom 14: from there on, buildings are drawn as areas."""
OUTLINES_UP_TO_UNITS = 128.0
"""The same at zoom 17."""
LINE_PX = 1.5
_FEW_ROWS = 200_000
"""Up to so many rows a filtered view is summed up directly; beyond, from filtered cells that are kept."""
_ROUNDING = 1 + 1e-6

DEFAULT_STYLE = Style()
_POOL = CoveragePool()


def render_tile(
    snapshot: Snapshot,
    address: TileAddress,
    size_px: int = 256,
    style: Style = DEFAULT_STYLE,
    filters: FootprintFilters = NO_FILTER,
) -> bytes:
    """Return an XYZ tile as a PNG with a palette of 8 bits. Raises `ParameterInvalid` for another size."""
    if size_px not in TILE_SIZES_PX:
        raise ParameterInvalid(parameter="size_px", value=size_px, rule=f"it must be one of {TILE_SIZES_PX}")
    return render_window(snapshot, tile_window(address, size_px), style, filters)


def render_view(
    snapshot: Snapshot,
    bounds_m: BoundsM,
    size_px: tuple[int, int],
    style: Style = DEFAULT_STYLE,
    filters: FootprintFilters = NO_FILTER,
) -> bytes:
    """Return a view of (west, south, east, north) metres of EPSG:3857 as a PNG of (width, height).

    west > east passes the antimeridian. Raises `ParameterInvalid` for empty bounds or a size beyond 16384.
    """
    return render_window(snapshot, view_window(bounds_m, *size_px), style, filters)


def render_window(snapshot: Snapshot, window: GridWindow, style: Style, filters: FootprintFilters) -> bytes:
    """Return any window as a PNG."""
    painter = painter_of(snapshot, style)
    if shows_areas(window):
        return _area_picture(snapshot, window, style, painter, filters)
    wide = window.grown(MARK_MARGIN_PX)
    picture = blank_picture(wide.height_px, wide.width_px)
    layers = sum_up(snapshot, wide, painter, filters)
    scale = density_scale(window)
    if style.quantity == COUNT:
        shade_density(layers, *row_offsets(wide, scale, DENSITY_STEPS), LOGARITHMS, picture)
        return encode_picture(with_marks(picture), density_table(style), window.width_px)
    shade_classes(layers, painter, row_offsets(wide, scale, OPACITY_STEPS), LOGARITHMS, picture)
    return encode_picture(with_marks(picture), coverage_table(style), window.width_px)


def _area_picture(
    snapshot: Snapshot, window: GridWindow, style: Style, painter: Painter, filters: FootprintFilters
) -> bytes:
    outlined, plain = shows_outlines(window), painter.quantity == COUNT
    picture = blank_picture(window.height_px, window.width_px, packed=plain)
    with _POOL.lent((window.height_px, window.width_px), outlined, not plain) as coverage:
        draw_areas(snapshot, window, painter, filters, coverage)
        shade_areas(coverage, picture)
    if plain:
        table = plain_outline_table(style) if outlined else plain_coverage_table(style)
    else:
        table = outline_table(style) if outlined else coverage_table(style)
    return encode_picture(picture, table, window.width_px)


def shows_areas(window: GridWindow) -> bool:
    """Tell whether buildings are drawn as areas at this scale, and not counted."""
    return min(window.units_per_px_x, window.units_per_px_y) <= AREAS_UP_TO_UNITS * _ROUNDING


def shows_outlines(window: GridWindow) -> bool:
    """Tell whether buildings have outlines at this scale."""
    return min(window.units_per_px_x, window.units_per_px_y) <= OUTLINES_UP_TO_UNITS * _ROUNDING


def painter_of(snapshot: Snapshot, style: Style) -> Painter:
    """Return how footprints get their colour classes."""
    if style.quantity == CONFIDENCE:
        return Painter(style.quantity, confidence_classes())
    if style.quantity == AREA:
        return Painter(style.quantity, area_classes())
    ordinals = snapshot.job_of_source if style.quantity == SOURCE else np.arange(256)
    return Painter(style.quantity, read_only(np.append(ordinals % CLASSES, 0).astype(np.uint8)))


def sum_up(snapshot: Snapshot, window: GridWindow, painter: Painter, filters: FootprintFilters) -> Layers:
    """Return how many footprints have their centre in each pixel, and what their colour needs."""
    layers = empty_layers(window.height_px, window.width_px, painter.quantity)
    level = level_of(window)
    if level is not None and not filters.is_open:
        direct = level > HIGHEST_FILTERED_LEVEL or _rows_near(snapshot, window) <= _FEW_ROWS
    else:
        direct = level is None
    for segment in snapshot.segments:
        if direct or level is None:
            _add_rows(layers, snapshot, segment, window, (painter, filters))
        else:
            for cells in snapshot.cells(segment, filters):
                add_cells(layers, cells, level, window, painter)
    return layers


def _add_rows(
    layers: Layers, snapshot: Snapshot, segment: OpenSegment, window: GridWindow, wish: tuple[Painter, FootprintFilters]
) -> None:
    painter, filters = wish
    for turn in window.turns:
        shift = turn * GRID_UNITS
        box = (window.left - shift, window.top, window.right - shift, window.bottom)
        blocks = blocks_by_centre(segment.columns, box)
        if len(blocks):
            chosen = blocks, snapshot.passing(segment, filters, blocks)
            add_centres(layers, segment.columns, chosen, replace(window, left=box[0]), painter)


class Covered(NamedTuple):
    """What `cover` returns."""

    total: NDArray[np.float64]
    """(height_px, width_px) covered share of each pixel, summed up over footprints: above 1 where they overlap."""


def cover(snapshot: Snapshot, window: GridWindow, painter: Painter, filters: FootprintFilters) -> Covered:
    """Return how much of each pixel is covered by footprints: what areas are drawn from, for tests and measurements."""
    size_px = (window.height_px, window.width_px)
    coverage = empty_coverage(size_px, shows_outlines(window), painter.quantity != COUNT)
    draw_areas(snapshot, window, painter, filters, coverage)
    return Covered(covered_shares(coverage, *size_px))


def draw_areas(
    snapshot: Snapshot, window: GridWindow, painter: Painter, filters: FootprintFilters, coverage: Coverage
) -> None:
    """Draw all footprints into empty coverage of the window's size."""
    pen = Pen(painter, LINE_PX if shows_outlines(window) else 0.0)
    for segment in snapshot.segments:
        add_shapes(coverage, segment.columns, partial(snapshot.passing, segment, filters), window, pen)


def _rows_near(snapshot: Snapshot, window: GridWindow) -> int:
    """Return how many rows lie in blocks that meet the window; at least those inside."""
    boxes = [
        (window.left - turn * GRID_UNITS, window.top, window.right - turn * GRID_UNITS, window.bottom)
        for turn in window.turns
    ]
    return sum(BLOCK * len(blocks_by_centre(segment.columns, box)) for segment in snapshot.segments for box in boxes)
