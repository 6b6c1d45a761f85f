"""Footprints as Arrow record batches of one schema, so that file writers see a stream and never the whole."""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from processing.exports.batches import GEOMETRY, FootprintBatch


def arrow_batches(batches: Iterable[FootprintBatch], *, multi: bool) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Return the schema, taken from the first batch, and the batches as they come.

    Geometry is WKB in the column `geometry`; with `multi` every polygon becomes a MultiPolygon, as file formats with
    one geometry type a layer want it.
    """
    source = iter(batches)
    first = next(source, None)
    if first is None:
        return pa.schema([pa.field(GEOMETRY, pa.binary())]), iter(())
    schema = _schema_of(first)
    return schema, (_to_record(batch, schema, multi) for batch in chain([first], source))


def _schema_of(batch: FootprintBatch) -> pa.Schema:
    fields = []
    for field in batch.attributes.schema:
        # A first batch whose texts are all missing must not decide that there are no texts.
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        textual = pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        fields.append(pa.field(field.name, pa.string() if textual else kind))
    return pa.schema([*fields, pa.field(GEOMETRY, pa.binary())])


def _to_record(batch: FootprintBatch, schema: pa.Schema, multi: bool) -> pa.RecordBatch:
    columns = []
    for field in schema:
        if field.name != GEOMETRY:
            at = batch.attributes.schema.get_field_index(field.name)
            column = batch.attributes.column(at) if at >= 0 else pa.nulls(batch.attributes.num_rows)
            columns.append(column.cast(field.type))
    shapes = _to_multi(batch.shapes) if multi else batch.shapes
    return pa.record_batch([*columns, pa.array(shapely.to_wkb(shapes), pa.binary())], schema=schema)


def _to_multi(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    parts, owners = shapely.get_parts(shapes, return_index=True)
    several: NDArray[np.object_] = np.asarray(shapely.multipolygons(parts, indices=owners))
    return several
