"""Attributes as the properties of FlatGeobuf's features: of each value that is there its column's number and bytes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from processing.exports.binary_columns import BYTES, content, fixed_width, sizes_of

TIME = pa.timestamp("ms", "UTC")
FIRST_MS, LAST_MS = -62_167_219_200_000, 253_402_300_799_999
"""Of the years 0 to 9999."""
TIME_BYTES, PLACE_OF_T = 24, 10
type Field = tuple[str, str | np.dtype, object]


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


def property_columns(record: pa.RecordBatch) -> tuple[NDArray[np.int64], list[pa.Array]]:
    """Return the (N,) sizes of the properties of N rows of `storable` types, and columns to be joined: sizes first.

    Values of a fixed width that stand beside each other become one column, as long as none is missing.
    """
    columns: list[pa.Array] = []
    waiting: list[Field] = []
    for number, column in enumerate(record.columns):
        fields, text = _fields(number, column)
        is_whole = column.null_count == 0
        if waiting and not is_whole:
            columns.append(_packed(waiting, record.num_rows))
            waiting = []
        if is_whole and text is None:
            waiting += fields
            continue
        packed = _packed(waiting + fields, record.num_rows)
        waiting = []
        columns.append(packed if is_whole else pc.if_else(column.is_valid(), packed, pa.scalar(None, BYTES)))
        columns += [] if text is None else [text]
    columns += [_packed(waiting, record.num_rows)] if waiting else []
    sizes = sum((sizes_of(column) for column in columns), np.zeros(record.num_rows, np.int64))
    return sizes, [fixed_width(sizes.astype("<u4")), *columns]


def _fields(number: int, column: pa.Array) -> tuple[list[Field], pa.Array | None]:
    """Return what has a fixed width, as fields of a structure with their values, and the text that comes after it."""
    head: Field = (f"number {number}", "<u2", number)
    if pa.types.is_timestamp(column.type):
        times = _time_texts(column)
        if times is not None:
            return [head, (f"size {number}", "<u4", TIME_BYTES), (f"value {number}", times.dtype, times)], None
        column = pc.replace_substring(column.cast(pa.string()), " ", "T")
    if pa.types.is_string(column.type):
        text = column.cast(BYTES)
        return [head, (f"size {number}", "<u4", sizes_of(text))], text
    values = pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0).to_numpy(zero_copy_only=False)
    return [head, (f"value {number}", values.dtype.newbyteorder("<"), values)], None


def _time_texts(column: pa.Array) -> NDArray[np.bytes_] | None:
    """Return (N,) times in ISO 8601, which have one width in the years 0 to 9999; None: some are of other years.

    Footprints that were stored at once have one time, so that there are few different ones.
    """
    times = pc.fill_null(column, 0).dictionary_encode()
    limits = pc.min_max(times.dictionary.cast(pa.int64())).as_py()
    if len(times) and not FIRST_MS <= limits["min"] <= limits["max"] <= LAST_MS:
        return None
    data = content(times.dictionary.cast(pa.string()).cast(BYTES))
    letters = np.frombuffer(data, np.uint8).reshape(-1, TIME_BYTES).copy()
    letters[:, PLACE_OF_T] = ord("T")
    texts: NDArray[np.bytes_] = letters.view(f"S{TIME_BYTES}")[:, 0]
    rows: NDArray[np.bytes_] = texts[times.indices.to_numpy()]
    return rows


def _packed(fields: list[Field], rows: int) -> pa.Array:
    packed = np.empty(rows, [field[:2] for field in fields])
    for name, _, values in fields:
        packed[name] = values
    return fixed_width(packed)
