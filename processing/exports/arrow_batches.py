"""Footprints as Arrow record batches of one schema, so that file writers see a stream and never the whole."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from geopandas import GeoDataFrame

from processing.exports.attributes import attribute_names

GEOMETRY = "geometry"


def arrow_batches(batches: Iterable[GeoDataFrame], *, multi: bool) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema, taken from the first batch, and the batches as they come.

    Geometry is WKB in the column `geometry`; with `multi` every polygon becomes a MultiPolygon, as file formats with
    one geometry type a layer want it.
    """
    frames = iter(batches)
    first = next(frames, None)
    if first is None:
        return pa.schema([pa.field(GEOMETRY, pa.binary())]), iter(())
    schema = _schema_of(first)
    return schema, (_to_batch(frame, schema, multi) for frame in chain([first], frames))


def _schema_of(frame: GeoDataFrame) -> pa.Schema:
    fields = []
    for field in pa.Schema.from_pandas(frame[attribute_names(frame)], preserve_index=False):
        # A first batch whose texts are all missing must not decide that there are no texts.
        textual = pa.types.is_null(field.type) or pa.types.is_large_string(field.type)
        fields.append(pa.field(field.name, pa.string() if textual else field.type))
    return pa.schema([*fields, pa.field(GEOMETRY, pa.binary())])


def _to_batch(frame: GeoDataFrame, schema: pa.Schema, multi: bool) -> pa.RecordBatch:
    shapes: Any = np.asarray(frame.geometry.array)
    if multi:
        shapes = [shapely.MultiPolygon(shapely.get_parts(shape).tolist()) for shape in shapes]
    columns = [
        pa.Array.from_pandas(frame[field.name], type=field.type) if field.name != GEOMETRY else None for field in schema
    ]
    columns[-1] = pa.array(shapely.to_wkb(shapes), pa.binary())
    return pa.record_batch([_one_chunk(column) for column in columns], schema=schema)


def _one_chunk(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
