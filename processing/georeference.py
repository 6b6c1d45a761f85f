"""From the working pixel plane to longitude and latitude, with true areas."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from processing.scene import SceneInfo
from processing.scene_geometry import split_at_antimeridian, to_crs, to_degrees, unwrap_deg
from processing.windows import WorkingGrid

Geometries = NDArray[Any]
"""(N,) object array of shapely geometries."""


@dataclass(frozen=True)
class Georeference:
    """Carries shapes from the working pixel plane of one scene to the Earth."""

    grid: WorkingGrid
    pixel_to_crs: Affine
    crs: CRS
    lon_0_deg: float
    """The scene's central meridian: longitudes stay in one piece around it."""

    @cached_property
    def _to_degrees(self) -> Transformer:
        return to_degrees(self.crs)

    @cached_property
    def _to_equal_area(self) -> Transformer:
        """The cylindrical equal-area projection keeps areas exactly, at every latitude, on the ellipsoid."""
        return Transformer.from_crs(4326, f"+proj=cea +lon_0={self.lon_0_deg} +ellps=WGS84", always_xy=True)

    def to_unwrapped_degrees(self, shapes: Geometries) -> Geometries:
        """Transform shapes from working pixels to degrees, with longitudes within 180° of `lon_0_deg`."""
        moved: Geometries = shapely.transform(shapes, self._degrees_of)
        return moved

    def _degrees_of(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        columns, rows = self.grid.x.to_native(points[:, 0]), self.grid.y.to_native(points[:, 1])
        lon_deg, lat_deg = self._to_degrees.transform(*to_crs(self.pixel_to_crs, columns, rows))
        return np.column_stack([unwrap_deg(np.asarray(lon_deg), self.lon_0_deg), lat_deg])

    def area_m2(self, unwrapped: Geometries) -> NDArray[np.float64]:
        """Return true ground areas of shapes in unwrapped degrees."""
        areas: NDArray[np.float64] = shapely.area(shapely.transform(unwrapped, self._project))
        return areas

    def _project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(self._to_equal_area.transform(points[:, 0], points[:, 1]))

    def to_degrees(self, unwrapped: Geometries) -> Geometries:
        """Bring unwrapped shapes into [-180, 180]: what crosses the antimeridian becomes a MultiPolygon."""
        wrapped: Geometries = split_at_antimeridian(unwrapped)
        return wrapped


def georeference_of(info: SceneInfo, grid: WorkingGrid) -> Georeference:
    """Prepare the way from working pixels to the Earth for one scene."""
    crs = info.crs
    centre = info.pixel_to_crs @ (info.width_px / 2, info.height_px / 2)
    lon_deg, _ = to_degrees(crs).transform(*centre)
    return Georeference(grid, info.pixel_to_crs, crs, float(unwrap_deg(np.array(lon_deg), 0.0)))
