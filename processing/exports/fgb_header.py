"""The header of a FlatGeobuf (flatgeobuf.org, `header.fbs`): what the columns are, how many features, and where."""

from collections.abc import Sequence

import flatbuffers
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from processing.exports.packed_tree import NODE_SIZE

MAGIC = b"fgb\x03fgb\x00"
NAME, ENVELOPE, GEOMETRY_TYPE, COLUMNS, FEATURES_COUNT, INDEX_NODE_SIZE, CRS = 0, 1, 2, 7, 8, 9, 10
HEADER_FIELDS, COLUMN_FIELDS, CRS_FIELDS = 14, 11, 6
"""How many fields each table has."""
MULTIPOLYGON = 6
BOOL, INT, LONG, DOUBLE, STRING, DATE_TIME = 2, 5, 7, 10, 11, 13
EPSG = ("EPSG", 4326, "WGS 84")


def header(layer: str, schema: pa.Schema, count: int, bounds_deg: NDArray[np.float64] | None) -> bytes:
    """Return all bytes before the index, of features with attributes of `storable` types.

    `bounds_deg`: (4,) west, south, east, north of everything; None: there is no index.
    """
    builder = flatbuffers.Builder(1024)
    name = builder.CreateString(layer)
    columns = _offsets(builder, [_column(builder, field) for field in schema])
    crs = _crs(builder)
    envelope = None if bounds_deg is None else builder.CreateNumpyVector(np.asarray(bounds_deg, "<f8"))
    builder.StartObject(HEADER_FIELDS)
    builder.PrependUint64Slot(FEATURES_COUNT, count, 0)
    builder.PrependUOffsetTRelativeSlot(NAME, name, 0)
    if envelope is not None:
        builder.PrependUOffsetTRelativeSlot(ENVELOPE, envelope, 0)
    builder.PrependUOffsetTRelativeSlot(COLUMNS, columns, 0)
    builder.PrependUOffsetTRelativeSlot(CRS, crs, 0)
    builder.PrependUint16Slot(INDEX_NODE_SIZE, 0 if bounds_deg is None else NODE_SIZE, NODE_SIZE)
    builder.PrependUint8Slot(GEOMETRY_TYPE, MULTIPOLYGON, 0)
    builder.FinishSizePrefixed(builder.EndObject())
    return MAGIC + bytes(builder.Output())


def _column(builder: flatbuffers.Builder, field: pa.Field) -> int:
    name = builder.CreateString(field.name)
    builder.StartObject(COLUMN_FIELDS)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUint8Slot(1, _kind(field.type), 0)
    return int(builder.EndObject())


def _kind(kind: pa.DataType) -> int:
    if pa.types.is_timestamp(kind):
        return DATE_TIME
    return {pa.bool_(): BOOL, pa.int32(): INT, pa.int64(): LONG, pa.float64(): DOUBLE}.get(kind, STRING)


def _crs(builder: flatbuffers.Builder) -> int:
    authority, code, name = EPSG
    texts = [builder.CreateString(authority), builder.CreateString(name)]
    builder.StartObject(CRS_FIELDS)
    builder.PrependUOffsetTRelativeSlot(0, texts[0], 0)
    builder.PrependInt32Slot(1, code, 0)
    builder.PrependUOffsetTRelativeSlot(2, texts[1], 0)
    return int(builder.EndObject())


def _offsets(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
