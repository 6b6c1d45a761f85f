"""The coordinate reference systems of OGC API Features, and the way from degrees to each and back.

All three are of one datum and differ in axes and projection alone, so a box in one is a box in the others.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from models.bbox import Bbox
from processing.rendering.tile_grid import EARTH_RADIUS_M
from webapp.ogc_errors import CrsUnknown, QueryInvalid

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
WGS84 = "http://www.opengis.net/def/crs/EPSG/0/4326"
WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
POLE_DEG = 89.999999
type Points = NDArray[np.float64]


@dataclass(frozen=True)
class FeatureCrs:
    """A system: how (N, 2) longitudes and latitudes in degrees become its coordinates, and the way back."""

    uri: str
    of_degrees: Callable[[Points], Points]
    to_degrees: Callable[[Points], Points]

    def shapes(self, shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        """Return shapes in degrees in this system."""
        if self.uri == CRS84:
            return shapes
        moved: NDArray[np.object_] = shapely.transform(shapes, self.of_degrees)
        return moved

    def shape_in_degrees(self, shape: shapely.Geometry) -> shapely.Geometry:
        """Return a shape of this system in degrees."""
        return shapely.transform(shape, self.to_degrees)

    def box_in_degrees(self, numbers: tuple[float, ...]) -> Bbox:
        """Return the box of four numbers, or of six, whose heights are left out: a footprint has none.

        Raises `QueryInvalid`.
        """
        if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
            raise QueryInvalid(detail="a box has four finite numbers, or six with heights")
        half = len(numbers) // 2
        if half == 3 and numbers[2] > numbers[5]:
            raise QueryInvalid(detail="the lower height comes first")
        (west, south), (east, north) = self.to_degrees(np.array([numbers[:2], numbers[half : half + 2]])).tolist()
        try:
            return Bbox(west, south, east, north)
        except ValueError as error:
            raise QueryInvalid(detail=f"the box is none: {error}") from error


def crs_named(uri: str, parameter: str) -> FeatureCrs:
    """Return the system of an address, which may stand in square brackets. Raises `CrsUnknown`."""
    found = SYSTEMS.get(uri.removeprefix("[").removesuffix("]"))
    if found is None:
        raise CrsUnknown(parameter=parameter, value=uri[:200], allowed=", ".join(SYSTEMS))
    return found


def _same(points: Points) -> Points:
    return points


def _swapped(points: Points) -> Points:
    return points[:, ::-1]


def _to_metres(points: Points) -> Points:
    lat = np.radians(np.clip(points[:, 1], -POLE_DEG, POLE_DEG))
    return np.column_stack([np.radians(points[:, 0]), np.arctanh(np.sin(lat))]) * EARTH_RADIUS_M


def _from_metres(points: Points) -> Points:
    """What lies a hair beyond the antimeridian by rounding is on it."""
    lon = np.degrees(points[:, 0] / EARTH_RADIUS_M)
    lon = np.where(np.abs(np.abs(lon) - 180.0) < 1e-9, np.copysign(180.0, lon), lon)
    return np.column_stack([lon, np.degrees(np.arctan(np.sinh(points[:, 1] / EARTH_RADIUS_M)))])


SYSTEMS = {
    system.uri: system
    for system in (
        FeatureCrs(CRS84, _same, _same),
        FeatureCrs(WGS84, _swapped, _swapped),
        FeatureCrs(WEB_MERCATOR, _to_metres, _from_metres),
    )
}
