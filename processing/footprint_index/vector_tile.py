"""Tiles of the index as Mapbox Vector Tiles: polygons near, sums in cells far out."""

from collections.abc import Mapping
from types import MappingProxyType

from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.grid import tile_window
from processing.footprint_index.mvt_writing import EXTENT
from processing.footprint_index.snapshot import Snapshot
from processing.footprint_index.tile_points import point_layer
from processing.footprint_index.tile_polygons import polygon_layer
from processing.rendering.tile_grid import TileAddress

LAYER = "footprints"
POLYGONS_FROM_ZOOM = 14
FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "confidence": "Number: 0 to 1, of a footprint; absent where none is stated",
        "area_m2": "Number: true area of a footprint",
        "job": "String: id of the job that found it",
        "review": "String: what was said of it",
        "count": "Number: footprints in a cell, below zoom 14",
        "total_area_m2": "Number: their area",
        "mean_confidence": "Number: the mean of those that have one; absent where none has",
    }
)
"""The properties of features, with type and meaning, for TileJSON."""
NO_NAMES: Mapping[int, str] = MappingProxyType({})


def vector_tile(
    snapshot: Snapshot,
    address: TileAddress,
    filters: FootprintFilters = NO_FILTER,
    review_names: Mapping[int, str] = NO_NAMES,
) -> bytes:
    """Return an XYZ tile with the layer `footprints`, extent 4096; no bytes where there is nothing.

    From zoom 14 on: a polygon for each footprint that meets the tile or 64 units around it, with its id, `confidence`
    (steps of 0.0001, rounded down; absent where none is stated), `area_m2` (to 0.1), `job` and `review`, which is the
    name of its state or else the state's number. Below: a point for each cell, with the `count` of the footprints
    whose centre is in it, `total_area_m2` and `mean_confidence`; the counts of a zoom add up to the number of
    footprints.
    """
    if address.z < POLYGONS_FROM_ZOOM:
        return point_layer(snapshot, address, filters, LAYER)
    return polygon_layer(snapshot, tile_window(address, EXTENT), filters, review_names, LAYER)
