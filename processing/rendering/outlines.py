"""The shipped outlines, made ready for drawing: land areas, coast lines, borders between countries and states.

Two neighbours share the vertices of their common border, so a segment that occurs twice is a border and one that
occurs once is a coast. Drawing only such lines keeps differently generalised data sets from showing doubled coasts.
"""

from collections import OrderedDict
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from processing.rendering.tile_grid import TileAddress, degrees_to_mercator

MARGIN_SHARE = 1 / 16
"""How far beyond its edge a tile's outlines reach, so that no clipping edge is ever drawn."""


@dataclass(frozen=True)
class Outlines:
    """Arrays of shapely geometries in metres of EPSG:3857."""

    land: NDArray[np.object_]
    coasts: NDArray[np.object_]
    borders: NDArray[np.object_]
    state_borders: NDArray[np.object_]

    def clipped(self, bounds_m: tuple[float, float, float, float]) -> Self:
        """Return what lies inside (west, south, east, north)."""
        return type(self)(*(_clip(getattr(self, field.name), bounds_m) for field in fields(self)))


def read_outlines(folder: Path) -> Outlines:
    """Read `countries.fgb` and `us_states.fgb` (EPSG:4326) from the folder."""
    countries = pyogrio.read_dataframe(folder / "countries.fgb", columns=[]).geometry.to_numpy()
    states = pyogrio.read_dataframe(folder / "us_states.fgb", columns=[]).geometry.to_numpy()
    coasts, borders = _split_segments(countries)
    _, state_borders = _split_segments(states)
    return Outlines(_to_mercator(shapely.get_parts(countries)), coasts, borders, state_borders)


class TileOutlines:
    """Outlines cut to tiles. Each tile is cut from its parent's cut, so that deep zooms stay cheap."""

    def __init__(self, outlines: Outlines, capacity: int = 1024) -> None:
        self._world = outlines
        self._capacity = capacity
        self._cut: OrderedDict[TileAddress, Outlines] = OrderedDict()
        self._lock = Lock()

    def of(self, address: TileAddress) -> Outlines:
        """Return the outlines of one tile with a margin around it."""
        with self._lock:
            found = self._cut.get(address)
            if found is not None:
                self._cut.move_to_end(address)
                return found
        source = self._world if address.z == 0 else self.of(address.parent)
        cut = source.clipped(_bounds_with_margin(address))
        with self._lock:
            self._cut[address] = cut
            while len(self._cut) > self._capacity:
                self._cut.popitem(last=False)
        return cut


def _bounds_with_margin(address: TileAddress) -> tuple[float, float, float, float]:
    west, south, east, north = address.bounds_m
    margin = address.size_m * MARGIN_SHARE
    return west - margin, south - margin, east + margin, north + margin


def _clip(geometries: NDArray[np.object_], bounds_m: tuple[float, float, float, float]) -> NDArray[np.object_]:
    if len(geometries) == 0:
        return geometries
    boxes = shapely.bounds(geometries)
    west, south, east, north = bounds_m
    near = (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    parts = shapely.get_parts(shapely.clip_by_rect(geometries[near], *bounds_m))
    kept: NDArray[np.object_] = parts[~shapely.is_empty(parts)]
    return kept


def _to_mercator(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    def project(lon_lat_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(degrees_to_mercator(lon_lat_deg[:, 0], lon_lat_deg[:, 1]))

    projected: NDArray[np.object_] = shapely.transform(geometries, project)
    return projected


def _split_segments(areas: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return the lines that belong to one ring only and those that belong to two, in metres of EPSG:3857."""
    rings = shapely.get_rings(shapely.get_parts(areas))
    points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
    inside = ring_of_point[1:] == ring_of_point[:-1]
    segments = np.hstack((points[:-1], points[1:]))[inside]
    segments = segments[~_is_map_edge(segments)]
    x_0, y_0, x_1, y_1 = segments.T
    flipped = (x_0 > x_1) | ((x_0 == x_1) & (y_0 > y_1))
    segments[flipped] = segments[flipped][:, [2, 3, 0, 1]]
    unique, counts = np.unique(np.round(segments, 6), axis=0, return_counts=True)
    return _merge(unique[counts == 1]), _merge(unique[counts > 1])


def _is_map_edge(segments: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Cuts along the antimeridian and below the last latitude are no coasts."""
    along_antimeridian = (np.abs(segments[:, [0, 2]]) > 179.999).all(axis=1)
    below_map = (segments[:, [1, 3]] < -84.9).all(axis=1)
    result: NDArray[np.bool_] = along_antimeridian | below_map
    return result


def _merge(segments: NDArray[np.float64]) -> NDArray[np.object_]:
    lines = shapely.linestrings(segments.reshape(-1, 2, 2))
    merged = shapely.line_merge(shapely.multilinestrings(lines)) if len(lines) else shapely.MultiLineString()
    return _to_mercator(shapely.get_parts(merged))
