"""Footprints as the features of a FlatGeobuf, a batch at a time (flatgeobuf.org; FlatBuffers' binary format).

A feature is laid out so that every place follows from how many parts, rings and points there are before it; then
compiled loops write it straight from the buffers of the columns. All but the properties is in words of four bytes:

    0  size | root | fields of a feature (2 words) | feature: back to its fields, geometry, properties
    7  fields of a MultiPolygon (5) | MultiPolygon: back to its fields, type, parts
    15 fields of a Polygon (5) | number of parts, where each is | Polygons: back to their fields, ends, points, type
       number of rings of the first part, where each ends | … | points of the first part | …

The points begin at an odd word, so that after their number the doubles are where eight bytes begin.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from processing.exports.arrow_batches import attribute_record
from processing.exports.batches import FootprintBatch
from processing.exports.fgb_loops import (
    HEAD,
    TIME_BYTES,
    measured,
    put_geometries,
    put_texts,
    put_times,
    put_values,
)

TIME = pa.timestamp("ms", "UTC")
FIRST_MS, LAST_MS = -62_167_219_200_000, 253_402_300_799_999
"""Of the years 0 to 9999."""
NUMBER_BYTES, LENGTH_BYTES = 2, 4


@dataclass(frozen=True)
class Features:
    """N features side by side: their bytes, (N + 1,) where each begins, (N, 4) boxes in degrees (NaN: empty)."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    boxes: NDArray[np.float64]


@dataclass(frozen=True)
class _Column:
    """N values: of `width` bytes each, or texts from offset to offset, and which of them are there."""

    data: NDArray[np.uint8]
    is_there: NDArray[np.bool_]
    width: int
    offsets: NDArray[np.int32] | None = None

    def sizes(self) -> NDArray[np.int64]:
        """Return how many bytes each takes among the properties."""
        if self.offsets is None:
            return (NUMBER_BYTES + self.width) * self.is_there.astype(np.int64)
        return (NUMBER_BYTES + LENGTH_BYTES + np.diff(self.offsets).astype(np.int64)) * self.is_there

    def put(self, number: int, places: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """Write the values, each at its place, and move the places on."""
        if self.offsets is None:
            put_values(self.data.reshape(-1, self.width), self.is_there, number, places, out)
        else:
            put_texts(self.offsets, self.data, self.is_there, number, places, out)


def encoded(batch: FootprintBatch, schema: pa.Schema) -> Features:
    """Return the features of a batch, with its attributes in a schema of `storable` types as properties."""
    columns = [_column(column) for column in attribute_record(batch, schema).columns]
    rows = batch.attributes.num_rows
    words, boxes = np.zeros(rows, np.int64), np.zeros((rows, 4))
    offsets, data = _wkb(batch.wkb)
    if not measured(data, offsets, words, boxes):
        offsets, data = _wkb(pa.array(shapely.to_wkb(batch.shapes, output_dimension=2, byte_order=1), pa.binary()))
        measured(data, offsets, words, boxes)
    sizes = 4 * words + LENGTH_BYTES + sum((column.sizes() for column in columns), np.zeros(rows, np.int64))
    starts = np.concatenate([[0], np.cumsum(sizes)])
    out = np.zeros(int(starts[-1]), np.uint8)
    put_geometries(data, offsets, words, starts, HEAD, out)
    places = starts[:-1] + 4 * words + LENGTH_BYTES
    for number, column in enumerate(columns):
        column.put(number, places, out)
    return Features(out, starts, boxes)


def storable(schema: pa.Schema) -> pa.Schema:
    """Return the types that attributes are brought into: those that the format has and GDAL gives back."""
    return pa.schema([pa.field(field.name, _storable_type(field.type)) for field in schema])


def _storable_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return pa.int64() if kind.bit_width == 64 or kind == pa.uint32() else pa.int32()
    if pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind):
        return TIME
    return kind if pa.types.is_boolean(kind) else pa.string()


def _column(column: pa.Array) -> _Column:
    is_there = _read_only(column.is_valid().to_numpy(zero_copy_only=False))
    if pa.types.is_timestamp(column.type):
        times_ms = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
        if len(times_ms) == 0 or (times_ms.min() >= FIRST_MS and times_ms.max() <= LAST_MS):
            return _times(times_ms, is_there)
        column = pc.replace_substring(column.cast(pa.string()), " ", "T")
    if pa.types.is_string(column.type):
        offsets, data = _wkb(column.cast(pa.binary()))
        return _Column(data, is_there, 1, offsets)
    values = pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0).to_numpy(zero_copy_only=False)
    return _Column(_read_only(np.ascontiguousarray(values).view(np.uint8)), is_there, values.itemsize)


def _times(times_ms: NDArray[np.int64], is_there: NDArray[np.bool_]) -> _Column:
    texts = np.zeros((len(times_ms), TIME_BYTES), np.uint8)
    put_times(_read_only(times_ms), texts)
    offsets = np.arange(0, texts.size + 1, TIME_BYTES, dtype=np.int32)
    return _Column(_read_only(texts.reshape(-1)), is_there, 1, _read_only(offsets))


def _wkb(column: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return offsets and bytes of a binary column."""
    _, offsets, data = column.buffers()
    if not len(column):
        return _read_only(np.zeros(1, np.int32)), _read_only(np.zeros(0, np.uint8))
    used = np.frombuffer(offsets, np.int32, len(column) + 1, 4 * column.offset)
    content = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return _read_only(used), _read_only(content)


def _read_only[T: np.generic](array: NDArray[T]) -> NDArray[T]:
    """Arrow's own memory cannot be written to, and a loop is compiled for one kind of array only."""
    view = array.view()
    view.flags.writeable = False
    return view
