"""Finished buildings as a table in EPSG:4326."""

from collections.abc import Sequence

import numpy as np
import shapely
from geopandas import GeoDataFrame, GeoSeries
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.georeference import Geometries, Georeference
from processing.merging import PlaneFootprint

EPSG = 4326


def to_frame(
    footprints: Sequence[PlaneFootprint], georeference: Georeference, aoi: BaseGeometry | None, min_area_m2: float
) -> GeoDataFrame:
    """Georeference footprints, measure them, and leave out the small ones and those outside the region.

    `aoi` is in degrees, unwrapped around the scene's centre. A footprint belongs to the region in which a point on its
    surface lies, so that a region's footprints are those of the whole scene.
    """
    shapes = georeference.to_unwrapped_degrees(_array([item.outline for item in footprints]))
    areas_m2 = georeference.area_m2(shapes)
    keep = areas_m2 >= min_area_m2
    if aoi is not None:
        shapely.prepare(aoi)
        keep &= shapely.intersects(aoi, shapely.point_on_surface(shapes))
    chosen = [item for item, kept in zip(footprints, keep, strict=True) if kept]
    raw = georeference.to_unwrapped_degrees(_array([item.raw_outline for item in chosen]))
    return _table(chosen, georeference.to_degrees(shapes[keep]), georeference.to_degrees(raw), areas_m2[keep])


def _table(
    footprints: Sequence[PlaneFootprint], shapes: Geometries, raw: Geometries, areas_m2: NDArray[np.float64]
) -> GeoDataFrame:
    columns = {
        "footprint_key": np.array([item.key for item in footprints], object),
        "geometry": shapes,
        "raw_geometry": GeoSeries(raw, crs=EPSG),
        "area_m2": areas_m2,
        "confidence": np.array([item.confidence for item in footprints], np.float64),
        "reg_method": np.array([item.method for item in footprints], object),
        "reg_iou": np.array([item.iou for item in footprints], np.float64),
        "reg_status": np.array([item.status for item in footprints], object),
    }
    return GeoDataFrame(columns, geometry="geometry", crs=EPSG)


def _array(shapes: Sequence[BaseGeometry]) -> Geometries:
    result = np.empty(len(shapes), object)
    result[:] = shapes
    return result
