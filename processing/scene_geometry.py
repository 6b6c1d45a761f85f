"""Where a raster lies on the Earth: its outline, its bounds over the antimeridian, the true size of its pixels."""

from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry.base import BaseGeometry

from processing.errors import CrsMissing, CrsUnusable, GeotransformInvalid

WGS84 = Geod(ellps="WGS84")
POINTS_PER_SIDE = 21
STRAIGHT_WITHIN_DEG = 1e-9
GSD_BASE_PX = 100.0

Floats = NDArray[np.float64]
Bounds = tuple[float, float, float, float]


def read_crs(wkt: str | None, *, name: str) -> CRS:
    """Parse the raster's CRS and make sure that it leads to longitude and latitude."""
    if not wkt:
        raise CrsMissing(name=name)
    try:
        crs = CRS.from_wkt(wkt)
        to_degrees(crs)
    except (CRSError, ProjError) as error:
        raise CrsUnusable(name=name, detail=str(error).splitlines()[0]) from error
    return crs


def to_degrees(crs: CRS) -> Transformer:
    """Return the transformer from the CRS to (longitude, latitude) in EPSG:4326."""
    return Transformer.from_crs(crs, 4326, always_xy=True)


def to_crs(pixel_to_crs: Affine, columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """Apply the geotransform to many pixel positions at once."""
    a, b, c, d, e, f = tuple(pixel_to_crs)[:6]
    return a * columns + b * rows + c, d * columns + e * rows + f


def check_transform(pixel_to_crs: Affine, *, name: str, has_gcps: bool) -> None:
    """Refuse a geotransform that is absent, not finite or not invertible."""
    if pixel_to_crs.is_identity:
        detail = "it only has ground control points; warp it first (for example with gdalwarp)" if has_gcps else "none"
        raise GeotransformInvalid(name=name, detail=detail)
    if not all(np.isfinite(tuple(pixel_to_crs))) or pixel_to_crs.determinant == 0:
        raise GeotransformInvalid(name=name, detail="its pixels have no size")


def unwrap_deg(lon_deg: Floats, around_deg: float) -> Floats:
    """Return the same meridians within 180° of `around_deg`, so that shapes over the antimeridian stay in one piece."""
    return around_deg + (lon_deg - around_deg + 180.0) % 360.0 - 180.0


def split_at_antimeridian(geometry: Any) -> Any:
    """Bring geometries (one or an array) with unwrapped longitudes back into [-180, 180], in two pieces if need be."""
    shapes = np.atleast_1d(np.asarray(geometry, object))
    bounds = shapely.bounds(shapes)
    result = shapes.copy()
    for index in np.flatnonzero((bounds[:, 0] < -180.0) | (bounds[:, 2] > 180.0)):
        result[index] = _split_one(shapes[index])
    return result if np.ndim(geometry) else result[0]


def _split_one(geometry: BaseGeometry) -> BaseGeometry:
    pieces = []
    for turn in (-360.0, 0.0, 360.0):
        world = shapely.box(turn - 180.0, -90.0, turn + 180.0, 90.0)
        piece = shapely.intersection(geometry, world)
        pieces.append(shapely.transform(piece, lambda xy, turn=turn: xy - (turn, 0.0)))
    polygons = [part for part in shapely.get_parts(pieces) if part.geom_type == "Polygon" and part.area > 0]
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


def scene_centre_deg(crs: CRS, pixel_to_crs: Affine, size_px: tuple[int, int], *, name: str) -> tuple[float, float]:
    """Return longitude and latitude of the scene's centre; refuse a scene that is not on the Earth."""
    width_px, height_px = size_px
    lon_deg, lat_deg = to_degrees(crs).transform(*(pixel_to_crs @ (width_px / 2, height_px / 2)))
    if not (np.isfinite([lon_deg, lat_deg]).all() and abs(lat_deg) <= 90):
        raise GeotransformInvalid(name=name, detail="its pixels lie outside the area where its CRS is defined")
    return float(unwrap_deg(np.array(lon_deg), 0.0)), float(lat_deg)


def ground_sampling_m(crs: CRS, pixel_to_crs: Affine, size_px: tuple[int, int]) -> tuple[float, float]:
    """Measure the true ground size of a pixel along columns and along rows, by geodesics at the scene's centre."""
    centre = np.array(size_px) / 2.0
    reach = np.minimum(GSD_BASE_PX, np.maximum(1.0, np.array(size_px))) / 2.0
    steps = np.array([[-reach[0], 0], [reach[0], 0], [0, -reach[1]], [0, reach[1]]]) + centre
    x, y = to_crs(pixel_to_crs, steps[:, 0], steps[:, 1])
    lon_deg, lat_deg = to_degrees(crs).transform(x, y)
    _, _, distance_m = WGS84.inv(lon_deg[0::2], lat_deg[0::2], lon_deg[1::2], lat_deg[1::2])
    return float(distance_m[0] / (2 * reach[0])), float(distance_m[1] / (2 * reach[1]))


def outline_deg(
    crs: CRS, pixel_to_crs: Affine, size_px: tuple[int, int], lon_0_deg: float, *, name: str
) -> BaseGeometry:
    """Return the scene's edge as a polygon in degrees with longitudes unwrapped around `lon_0_deg`."""
    t = np.linspace(0.0, 1.0, POINTS_PER_SIDE)[:-1]
    columns = np.concatenate([t, np.ones_like(t), 1 - t, np.zeros_like(t)]) * size_px[0]
    rows = np.concatenate([np.zeros_like(t), t, np.ones_like(t), 1 - t]) * size_px[1]
    x, y = to_crs(pixel_to_crs, columns, rows)
    lon_deg, lat_deg = to_degrees(crs).transform(x, y)
    if not (np.isfinite(lon_deg).all() and np.isfinite(lat_deg).all()):
        raise GeotransformInvalid(name=name, detail="a part of it lies outside the area where its CRS is defined")
    ring = np.column_stack([unwrap_deg(np.asarray(lon_deg), lon_0_deg), lat_deg])
    outline = shapely.simplify(shapely.make_valid(shapely.polygons(ring)), STRAIGHT_WITHIN_DEG)
    return shapely.orient_polygons(outline)


def bounds_deg(unwrapped_outline: BaseGeometry) -> Bounds:
    """Return west, south, east, north in [-180, 180]; west > east over the antimeridian."""
    west, south, east, north = unwrapped_outline.bounds
    return _wrap(west), south, _wrap(east), north


def _wrap(lon_deg: float) -> float:
    return lon_deg if -180.0 <= lon_deg <= 180.0 else (lon_deg + 180.0) % 360.0 - 180.0
