"""Footprints as map tiles: outlines with a translucent fill near, built-up density far; colour tells confidence.

The colours are bright with a dark rim, so that they read over imagery, over the light and over the dark base map.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from processing.rendering.drawing import OVERSAMPLING
from processing.rendering.png import straight_alpha
from processing.rendering.tile_grid import TILE_PX, TileAddress, degrees_to_tile_px

OUTLINES_FROM_ZOOM = 14
"""Below, a building is smaller than a pixel and a tile may hold a hundred thousand of them."""
CONFIDENCE_STEPS = (0.6, 0.7, 0.8, 0.9)
COLOURS = np.array([(255, 94, 58), (255, 149, 0), (255, 214, 10), (124, 227, 139), (0, 214, 255)], np.float64)
"""RGB from doubtful to sure, one more than steps."""
_RIM_COLOUR = (10.0, 18.0, 28.0)
_RIM_OPACITY = 0.55
_SUBPIXEL_BITS = 4
_CELL_PX = 2


@dataclass(frozen=True)
class _Style:
    """Line widths in tile pixels and the opacity of the fill."""

    fill: float
    line_px: float
    rim_px: float


def _style_at(zoom: int) -> _Style:
    if zoom <= 15:
        return _Style(fill=0.75, line_px=0.5, rim_px=0.0)
    if zoom == 16:
        return _Style(fill=0.5, line_px=1.0, rim_px=0.0)
    return _Style(fill=0.38 if zoom == 17 else 0.28, line_px=1.25 if zoom == 17 else 1.75, rim_px=1.0)


def render_footprints(
    polygons: NDArray[np.object_], confidence: NDArray[np.float64], address: TileAddress, tile_px: int = TILE_PX
) -> NDArray[np.uint8]:
    """Return one tile of drawn footprints: (tile_px, tile_px, 4) uint8 RGBA.

    polygons: (N,) shapely polygons or multipolygons in EPSG:4326, confidence: (N,) in [0, 1].
    """
    canvas = np.zeros((tile_px * OVERSAMPLING, tile_px * OVERSAMPLING, 4), np.uint8)
    parts, owner = shapely.get_parts(polygons, return_index=True)
    steps = np.digitize(confidence, CONFIDENCE_STEPS)[owner]
    rings, ring_owner = shapely.get_rings(parts, return_index=True)
    if len(rings) == 0:
        return np.zeros((tile_px, tile_px, 4), np.uint8)
    contours, style = _contours(rings, address, tile_px), _style_at(address.z)
    _fill(canvas, contours, ring_owner, steps, style)
    if style.rim_px:
        rim = _premultiplied(np.array(_RIM_COLOUR), _RIM_OPACITY)
        _stroke(canvas, contours, rim, style.line_px + 2 * style.rim_px)
    for step in np.unique(steps):
        chosen = [contours[index] for index in np.flatnonzero(steps[ring_owner] == step)]
        _stroke(canvas, chosen, _premultiplied(COLOURS[step], 1.0), style.line_px)
    small = cv2.resize(canvas, (tile_px, tile_px), interpolation=cv2.INTER_AREA)
    return straight_alpha(np.asarray(small, np.uint8))


def _contours(rings: NDArray[np.object_], address: TileAddress, tile_px: int) -> list[NDArray[np.int32]]:
    points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    pixels = degrees_to_tile_px(points, address, tile_px) * OVERSAMPLING - 0.5
    fixed = np.round(pixels * (1 << _SUBPIXEL_BITS)).astype(np.int32)
    starts = np.flatnonzero(np.diff(ring_of_point)) + 1
    return list(np.split(fixed, starts))


def _fill(
    canvas: NDArray[np.uint8],
    contours: list[NDArray[np.int32]],
    ring_owner: NDArray[np.intp],
    steps: NDArray[np.intp],
    style: _Style,
) -> None:
    """Fill each polygon for itself, so that overlapping ones do not cancel out."""
    colours = [_premultiplied(colour, style.fill) for colour in COLOURS]
    starts = np.flatnonzero(np.diff(ring_owner, prepend=-1)).tolist()
    for start, end in zip(starts, [*starts[1:], len(contours)], strict=True):
        colour = colours[steps[ring_owner[start]]]
        cv2.fillPoly(canvas, contours[start:end], colour, cv2.LINE_8, _SUBPIXEL_BITS)


def _stroke(
    canvas: NDArray[np.uint8], contours: list[NDArray[np.int32]], colour: tuple[float, ...], width_px: float
) -> None:
    thickness = max(1, round(width_px * OVERSAMPLING))
    cv2.polylines(canvas, contours, True, colour, thickness, cv2.LINE_8, _SUBPIXEL_BITS)


def _premultiplied(colour: NDArray[np.float64], opacity: float) -> tuple[float, ...]:
    red, green, blue = (colour * opacity).round().tolist()
    return red, green, blue, round(255 * opacity)


@dataclass(frozen=True)
class FootprintPoints:
    """Footprints as points: four arrays of length N."""

    lon_deg: NDArray[np.float64]
    lat_deg: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    confidence: NDArray[np.float64]


def render_density(points: FootprintPoints, address: TileAddress, tile_px: int = TILE_PX) -> NDArray[np.uint8]:
    """Return one tile of built-up density: (tile_px, tile_px, 4) uint8 RGBA.

    Opacity tells the share of a cell (2 x 2 pixels) that is built up; a single building stays visible at every zoom.
    """
    cells = tile_px // _CELL_PX
    count, built_m2, confidence = _accumulate(points, address, cells)
    present = count > 0
    middle_rad = np.radians((address.bounds_deg[1] + address.bounds_deg[3]) / 2)
    cell_m2 = (address.size_m / cells * np.cos(middle_rad)) ** 2
    share = np.clip(built_m2 / cell_m2, 0.0, 1.0)
    opacity = np.where(present, np.minimum(0.5 + 0.7 * np.sqrt(share), 0.95), 0.0)
    colours = COLOURS[np.digitize(confidence, CONFIDENCE_STEPS)]
    tile = np.dstack((np.where(present[..., None], colours, 0.0), opacity * 255)).round().astype(np.uint8)
    return tile.repeat(_CELL_PX, axis=0).repeat(_CELL_PX, axis=1)


def _accumulate(
    points: FootprintPoints, address: TileAddress, cells: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return count, built-up area in m² and mean confidence of each cell, all (cells, cells)."""
    position = degrees_to_tile_px(np.column_stack((points.lon_deg, points.lat_deg)), address, cells)
    column, row = np.floor(position).astype(np.int64).T
    inside = (column >= 0) & (column < cells) & (row >= 0) & (row < cells)
    cell = row[inside] * cells + column[inside]
    size = cells * cells
    count = np.bincount(cell, minlength=size)
    built_m2 = np.bincount(cell, weights=points.area_m2[inside], minlength=size)
    total = np.bincount(cell, weights=points.confidence[inside], minlength=size)
    shape = (cells, cells)
    return count.reshape(shape), built_m2.reshape(shape), (total / np.maximum(count, 1)).reshape(shape)
