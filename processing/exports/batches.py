"""What comes in, as Arrow attributes beside shapes: the one form that all writers take."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from processing.scene_geometry import split_at_antimeridian

GEOMETRY = "geometry"
Footprints = GeoDataFrame | pa.RecordBatch | pa.Table
"""EPSG:4326. Arrow batches hold WKB in the column `geometry`."""


@dataclass(frozen=True, slots=True)
class FootprintBatch:
    """N rows: their attributes, and (N,) polygons or multipolygons within ±180° with outer rings counter-clockwise."""

    attributes: pa.RecordBatch
    shapes: NDArray[np.object_]


def to_batches(batches: Iterable[Footprints]) -> Iterator[FootprintBatch]:
    """Turn each batch into the writers' form as it is asked for."""
    for batch in batches:
        if isinstance(batch, GeoDataFrame):
            yield FootprintBatch(_frame_attributes(batch), _tidy(np.asarray(batch.geometry.array)))
        else:
            yield _of_arrow(batch)


def _of_arrow(batch: pa.RecordBatch | pa.Table) -> FootprintBatch:
    whole = batch.combine_chunks() if isinstance(batch, pa.Table) else batch
    names = [name for name in whole.schema.names if name != GEOMETRY]
    columns = [_one_chunk(whole.column(name)) for name in names]
    wkb = _one_chunk(whole.column(GEOMETRY)).to_numpy(zero_copy_only=False)
    return FootprintBatch(pa.record_batch(columns, names=names), _tidy(shapely.from_wkb(wkb)))


def _frame_attributes(frame: GeoDataFrame) -> pa.RecordBatch:
    names = [str(name) for name, dtype in zip(frame.columns, frame.dtypes, strict=True) if str(dtype) != "geometry"]
    return pa.record_batch([_column(frame[name]) for name in names], names=names)


def _column(values: Any) -> pa.Array:
    """Plain types stay; what Arrow has no type for becomes text."""
    try:
        column = _one_chunk(pa.Array.from_pandas(values))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        column = None
    if column is None or pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        column = pa.array([None if value is None else str(value) for value in values], pa.string())
    return column


def _one_chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _tidy(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """RFC 7946 asks for both: no longitude beyond ±180°, and outer rings counter-clockwise; it hurts no other format."""
    bounds = shapely.bounds(shapes)
    if len(shapes) and (bounds[:, 0].min() < -180.0 or bounds[:, 2].max() > 180.0):
        shapes = split_at_antimeridian(shapes)
    oriented: NDArray[np.object_] = shapely.orient_polygons(shapes)
    return oriented
