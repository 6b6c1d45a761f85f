"""What comes in, as Arrow attributes beside shapes: the one form that all writers take."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

if TYPE_CHECKING:  # whoever gives data frames has loaded what they need; a worker of exports gives none
    from geopandas import GeoDataFrame

GEOMETRY = "geometry"
PIECE_ROWS = 4096
"""What is held as text, or as shapes, at once: some megabytes."""
type Footprints = "GeoDataFrame | pa.RecordBatch | pa.Table"
"""EPSG:4326. Arrow batches hold WKB in the column `geometry`."""


@dataclass(frozen=True)
class FootprintBatch:
    """N rows: their attributes, and polygons or multipolygons, as they were given and as they are to be written."""

    attributes: pa.RecordBatch
    wkb: pa.BinaryArray
    """(N,) as given: rings may run either way, longitudes may lie beyond ±180°."""

    @cached_property
    def shapes(self) -> NDArray[np.object_]:
        """(N,) shapes within ±180° with outer rings counter-clockwise; made when a writer asks for them."""
        return _tidy(shapely.from_wkb(self.wkb.to_numpy(zero_copy_only=False)))


def to_batches(batches: Iterable[Footprints]) -> Iterator[FootprintBatch]:
    """Turn each batch into the writers' form, in pieces of `PIECE_ROWS` at most, as they are asked for.

    A batch without rows passes as it is: it may be the only one, and it names the columns.
    """
    for batch in batches:
        for first in range(0, max(len(batch), 1), PIECE_ROWS):
            if not isinstance(batch, pa.RecordBatch | pa.Table):
                piece = batch.iloc[first : first + PIECE_ROWS]
                wkb = pa.array(shapely.to_wkb(np.asarray(piece.geometry.array)), pa.binary())
                yield FootprintBatch(_frame_attributes(piece), wkb)
            else:
                yield _of_arrow(batch.slice(first, PIECE_ROWS))


def _of_arrow(batch: pa.RecordBatch | pa.Table) -> FootprintBatch:
    names = [name for name in batch.schema.names if name != GEOMETRY]
    columns = [_one_chunk(batch.column(name)) for name in names]
    return FootprintBatch(pa.record_batch(columns, names=names), _one_chunk(batch.column(GEOMETRY)).cast(pa.binary()))


def _frame_attributes(frame: "GeoDataFrame") -> pa.RecordBatch:
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
    """RFC 7946 asks for both: no longitude beyond ±180°, outer rings counter-clockwise. It hurts no other format."""
    bounds = shapely.bounds(shapes)
    if len(shapes) and (bounds[:, 0].min() < -180.0 or bounds[:, 2].max() > 180.0):
        from processing.scene_geometry import split_at_antimeridian  # rarely needed, and brings all of PROJ

        shapes = split_at_antimeridian(shapes)
    oriented: NDArray[np.object_] = shapely.orient_polygons(shapes)
    return oriented
