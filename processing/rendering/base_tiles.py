"""The base map that needs no internet: land, sea, borders and a graticule, without labels, light and dark."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from processing.errors import ParameterInvalid
from processing.rendering.drawing import CoverageCanvas, blend
from processing.rendering.outlines import TileOutlines, read_outlines
from processing.rendering.tile_grid import TILE_PX, TileAddress, degrees_to_mercator

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Theme:
    """Colours of the base map."""

    sea: Colour
    land: Colour
    coast: Colour
    border: Colour
    state_border: Colour
    graticule: Colour


THEMES = {
    "light": Theme(
        (203, 219, 228), (246, 244, 239), (150, 172, 186), (158, 150, 140), (203, 197, 187), (118, 134, 148)
    ),
    "dark": Theme((20, 27, 34), (38, 45, 53), (72, 88, 102), (98, 109, 120), (64, 73, 83), (150, 166, 182)),
}
STATES_FROM_ZOOM = 3
_GRATICULE_STEPS_DEG = (30.0, 15.0, *(m * 10.0**e for e in range(0, -7, -1) for m in (10, 5, 2)))
_GRATICULE_SPACING_PX = 200


class BaseMap:
    """Draws base tiles from the outlines in a folder. Safe to use from many threads."""

    def __init__(self, folder: Path) -> None:
        self._outlines = TileOutlines(read_outlines(folder))

    def render(self, address: TileAddress, theme: str = "light", tile_px: int = TILE_PX) -> NDArray[np.uint8]:
        """Return one tile: (tile_px, tile_px, 4) uint8 RGBA, opaque. `ParameterInvalid` for an unknown theme."""
        if theme not in THEMES:
            raise ParameterInvalid(parameter="theme", value=theme, rule=f"it must be one of {', '.join(THEMES)}")
        return _draw(self._outlines, address, THEMES[theme], tile_px)


@functools.cache
def open_base_map(folder: Path) -> BaseMap:
    """Return the one base map of the folder; reading it takes about half a second."""
    return BaseMap(folder)


def _draw(outlines: TileOutlines, address: TileAddress, theme: Theme, tile_px: int) -> NDArray[np.uint8]:
    shapes = outlines.of(address)
    image = np.empty((tile_px, tile_px, 3), np.float32)
    image[:] = theme.sea
    blend(image, _areas(_in_pixels(shapes.land, address, tile_px), tile_px), theme.land)
    blend(image, _lines(_graticule(address, tile_px), 0.5, tile_px), theme.graticule, 0.28)
    if address.z >= STATES_FROM_ZOOM:
        blend(image, _lines(_in_pixels(shapes.state_borders, address, tile_px), 1.0, tile_px), theme.state_border)
    blend(image, _lines(_in_pixels(shapes.coasts, address, tile_px), 0.75, tile_px), theme.coast)
    blend(image, _lines(_in_pixels(shapes.borders, address, tile_px), 1.0, tile_px), theme.border)
    opaque = np.full((tile_px, tile_px, 1), 255, np.uint8)
    return np.dstack((np.round(image).astype(np.uint8), opaque))


def _areas(polygons: NDArray[np.object_], tile_px: int) -> NDArray[np.float32]:
    canvas = CoverageCanvas(tile_px)
    for polygon in polygons:
        canvas.fill(polygon)
    return canvas.coverage()


def _lines(lines: NDArray[np.object_], width_px: float, tile_px: int) -> NDArray[np.float32]:
    canvas = CoverageCanvas(tile_px)
    canvas.stroke(lines, width_px)
    return canvas.coverage()


def _in_pixels(geometries: NDArray[np.object_], address: TileAddress, tile_px: int) -> NDArray[np.object_]:
    west, _, _, north = address.bounds_m
    scale = tile_px / address.size_m
    corner_m, direction = np.array([west, north]), np.array([scale, -scale])
    moved: NDArray[np.object_] = shapely.transform(geometries, lambda points_m: (points_m - corner_m) * direction)
    return moved


def _graticule(address: TileAddress, tile_px: int) -> NDArray[np.object_]:
    """Lines of longitude and latitude about 200 px apart, so that there is something to hold on to at every zoom."""
    px_per_deg = tile_px * 2**address.z / 360
    step_deg = min(_GRATICULE_STEPS_DEG, key=lambda step: abs(np.log(step * px_per_deg / _GRATICULE_SPACING_PX)))
    west, south, east, north = address.bounds_deg
    lon_m, _ = degrees_to_mercator(_multiples(west, east, step_deg), np.zeros(1))
    _, lat_m = degrees_to_mercator(np.zeros(1), _multiples(south, north, step_deg))
    west_m, south_m, east_m, north_m = address.bounds_m
    lines = [[(x, south_m), (x, north_m)] for x in lon_m] + [[(west_m, y), (east_m, y)] for y in lat_m]
    return _in_pixels(shapely.linestrings(lines) if lines else np.array([], object), address, tile_px)


def _multiples(low: float, high: float, step: float) -> NDArray[np.float64]:
    return np.arange(np.floor(low / step), np.ceil(high / step) + 1) * step
