"""From the file's coordinates to longitude and latitude, by the best way that is installed."""

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import TransformerGroup

from processing.errors import CrsUnusable, VectorCrsMissing
from processing.scene_geometry import unwrap_deg

Floats = NDArray[np.float64]
MARGIN = 0.5
"""How far beyond the CRS's own area coordinates may lie, as a part of that area's width and height: a county that
reaches out of its UTM zone is at home, metres read as degrees are not."""
LON_MAX_DEG = 360.0


@dataclass(frozen=True)
class SourceCrs:
    """The CRS of a file, ready to use."""

    crs: CRS
    transformer: Transformer | None
    """None where the coordinates are longitude and latitude in WGS 84 already."""
    note: str | None
    """What the reader should know about the datum."""

    @property
    def label(self) -> str:
        """Authority and code where known, else the CRS's name."""
        authority = self.crs.to_authority()
        return f"{authority[0]}:{authority[1]} ({self.crs.name})" if authority else str(self.crs.name)

    @cached_property
    def _area(self) -> tuple[float, float, float, float]:
        """Centre longitude and latitude, and how far from them coordinates may lie, in degrees."""
        area = self.crs.area_of_use
        west, south, east, north = (-180.0, -90.0, 180.0, 90.0) if area is None else area.bounds
        width, height = east - west + (360.0 if west > east else 0.0), north - south
        reach = 0.5 + MARGIN
        return west + width / 2, (south + north) / 2, width * reach, height * reach

    def to_degrees(self, points: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Return (N, 2) longitude and latitude of (N, 2) x and y, and (N,) which of them lie where the CRS holds."""
        if self.transformer is None:
            degrees, near = points, np.abs(points[:, 0]) <= LON_MAX_DEG
        else:
            degrees = np.column_stack(self.transformer.transform(points[:, 0], points[:, 1]))
            near = np.isfinite(degrees).all(1)
        lon_0_deg, lat_0_deg, lon_reach, lat_reach = self._area
        with np.errstate(invalid="ignore"):
            inside = np.abs(unwrap_deg(degrees[:, 0], lon_0_deg) - lon_0_deg) <= lon_reach
            inside &= (np.abs(degrees[:, 1] - lat_0_deg) <= lat_reach) & (np.abs(degrees[:, 1]) <= 90.0)
        return degrees, near & inside & np.isfinite(points).all(1)


def source_crs(found: CRS | None, given: str | None, *, name: str) -> SourceCrs:
    """Prepare the file's CRS, or the caller's where the file has none. Raises `VectorCrsMissing`, `CrsUnusable`."""
    if found is None and given is None:
        raise VectorCrsMissing(name=name)
    try:
        crs = _horizontal(CRS.from_user_input(given) if found is None else found)
        if not (crs.is_geographic or crs.is_projected):
            raise CrsUnusable(name=name, detail=f"{crs.name} is neither geographic nor projected")
        if crs.equals(CRS.from_epsg(4326), ignore_axis_order=True):
            return SourceCrs(crs, None, None)
        return SourceCrs(crs, *_way(crs))
    except (CRSError, ProjError) as error:
        raise CrsUnusable(name=name, detail=str(error).splitlines()[0]) from error


def _horizontal(crs: CRS) -> CRS:
    while crs.is_compound:
        crs = crs.sub_crs_list[0]
    return crs.to_2d()


def _way(crs: CRS) -> tuple[Transformer, str | None]:
    """Choose a transformation that knows both datums; say so where there is none, or where a better one is missing."""
    try:
        transformer = Transformer.from_crs(crs, 4326, always_xy=True, allow_ballpark=False)
        transformer.transform(0.0, 0.0)
    except ProjError:
        transformer = Transformer.from_crs(crs, 4326, always_xy=True)
        return transformer, "Its datum is unknown or has no known way to WGS 84: taken as WGS 84."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what it would say is what the note says
        group = TransformerGroup(crs, 4326, always_xy=True, allow_ballpark=False)
    if group.best_available or not group.transformers:
        return transformer, None
    accuracy_m = group.transformers[0].accuracy
    known = f"about {accuracy_m:g} m" if accuracy_m >= 0 else "unknown"
    return transformer, f"The most exact datum shift needs a grid that is not installed; the error is {known}."
