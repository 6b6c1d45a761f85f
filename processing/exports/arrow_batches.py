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
    schema = attribute_schema(first).append(pa.field(GEOMETRY, pa.binary()))
    return schema, (_to_record(batch, schema, multi) for batch in chain([first], source))


def attribute_schema(batch: FootprintBatch) -> pa.Schema:
    """Return the schema of a first batch's attributes."""
    fields = []
    for field in batch.attributes.schema:
        # A first batch whose texts are all missing must not decide that there are no texts.
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        textual = pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
        fields.append(pa.field(field.name, pa.string() if textual else kind))
    return pa.schema(fields)


def attribute_record(batch: FootprintBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch's attributes in a schema; a column that it lacks is missing throughout."""
    held, rows = batch.attributes, batch.attributes.num_rows
    if not schema:
        return held.select([])
    columns = []
    for field in schema:
        at = held.schema.get_field_index(field.name)
        column = held.column(at) if at >= 0 else pa.nulls(rows)
        # A format may know no times below a millisecond; all else must fit.
        columns.append(column.cast(field.type, safe=not pa.types.is_timestamp(field.type)))
    return pa.record_batch(columns, schema=schema)


def _to_record(batch: FootprintBatch, schema: pa.Schema, multi: bool) -> pa.RecordBatch:
    attributes = attribute_record(batch, schema.remove(schema.get_field_index(GEOMETRY)))
    shapes = _to_multi(batch.shapes) if multi else batch.shapes
    geometry = pa.array(shapely.to_wkb(shapes), pa.binary())
    return pa.record_batch([*attributes.columns, geometry], schema=schema)


def _to_multi(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    parts, owners = shapely.get_parts(shapes, return_index=True)
    several: NDArray[np.object_] = np.asarray(shapely.multipolygons(parts, indices=owners))
    return several
