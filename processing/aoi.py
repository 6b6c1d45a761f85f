"""The area of interest: a region in longitude and latitude that a person drew or gave as GeoJSON."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from processing.errors import AoiInvalid, AoiOutsideScene
from processing.scene import SceneInfo

MOST_VERTICES = 100_000


def read_aoi(region: BaseGeometry | Mapping[str, Any]) -> BaseGeometry:
    """Return a valid Polygon or MultiPolygon in EPSG:4326.

    `region` is a geometry or a GeoJSON geometry, Feature or FeatureCollection. A bow-tie is repaired when area remains.
    Raises `AoiInvalid`.
    """
    geometry = region if isinstance(region, BaseGeometry) else _from_geojson(region)
    if geometry.is_empty or not set(_kinds(geometry)) <= {"Polygon", "MultiPolygon"}:
        raise AoiInvalid(detail="it must be a polygon or several polygons")
    if shapely.get_num_coordinates(geometry) > MOST_VERTICES:
        raise AoiInvalid(detail=f"it has more than {MOST_VERTICES} corners")
    points = shapely.get_coordinates(geometry)
    if not np.isfinite(points).all() or np.abs(points[:, 0]).max() > 540 or np.abs(points[:, 1]).max() > 90:
        raise AoiInvalid(detail="its corners must be longitude and latitude in degrees")
    polygons = [part for part in _polygons(shapely.make_valid(geometry)) if part.area > 0]
    if not polygons:
        raise AoiInvalid(detail="it encloses no area")
    return shapely.union_all(polygons)


def _from_geojson(values: Mapping[str, Any]) -> BaseGeometry:
    try:
        # Numbers that are none are judged later, with a clear word.
        with np.errstate(invalid="ignore"):
            return _shape_of(values)
    except (ShapelyError, AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise AoiInvalid(detail="it is not a GeoJSON polygon") from error


def _shape_of(values: Mapping[str, Any]) -> BaseGeometry:
    if values.get("type") == "FeatureCollection":
        return shapely.GeometryCollection([shape(feature["geometry"]) for feature in values["features"]])
    return shape(values["geometry"] if values.get("type") == "Feature" else values)


def _kinds(geometry: BaseGeometry) -> list[str]:
    return [part.geom_type for part in shapely.get_parts(geometry)]


def _polygons(geometry: BaseGeometry) -> list[BaseGeometry]:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return [part for part in parts if part.geom_type == "Polygon"]


def unwrap(geometry: BaseGeometry, around_deg: float) -> BaseGeometry:
    """Shift each polygon by whole turns so that it lies nearest to the meridian `around_deg`, and join them."""
    shifted = []
    for polygon in _polygons(geometry):
        turns = round((around_deg - polygon.centroid.x) / 360.0)
        turn = np.array([360.0 * turns, 0.0])
        shifted.append(shapely.transform(polygon, lambda xy, turn=turn: xy + turn))
    return shapely.union_all(shifted)


def region_in_scene(info: SceneInfo, aoi: BaseGeometry | None, around_deg: float) -> BaseGeometry:
    """Return what scene and region share, with longitudes unwrapped around `around_deg`.

    Raises `AoiOutsideScene` when that is nothing.
    """
    outline = unwrap(info.outline, around_deg)
    if aoi is None:
        return outline
    shared = shapely.intersection(outline, unwrap(aoi, around_deg))
    if shared.area == 0:
        raise AoiOutsideScene(name=info.name)
    return shared
