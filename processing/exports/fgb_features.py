"""Footprints as the features of a FlatGeobuf, a batch at a time (flatgeobuf.org; FlatBuffers' binary format).

A feature is laid out so that every place follows from how many parts, rings and points there are before it; then a
batch takes a few array operations instead of a builder's many calls a feature. All but the properties is in words of
four bytes:

    0  size | root | fields of a feature (2 words) | feature: back to its fields, geometry, properties
    7  fields of a MultiPolygon (5) | MultiPolygon: back to its fields, type, parts
    15 fields of a Polygon (5) | number of parts, where each is | Polygons: back to their fields, ends, points, type
       number of rings of the first part, where each ends | … | points of the first part | …
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from processing.exports.rings import Rings, runs

POLYGON, MULTIPOLYGON = 3, 6
FEATURE, MULTI, PART_FIELDS, PARTS = 4, 12, 15, 20
"""Words at which the feature, its geometry, the fields of a part and the list of parts begin."""
HEAD = np.concatenate(
    [
        np.array([0, 4 * FEATURE - 4], "<u4"),
        np.array([8, 12, 4, 8], "<u2").view("<u4"),
        np.array([8, 4 * (MULTI - FEATURE - 1), 0], "<u4"),
        np.array([20, 12, 0, 0, 0, 0, 0, 0, 4, 8], "<u2").view("<u4"),
        np.array([20, MULTIPOLYGON, 4 * (PARTS - MULTI - 2)], "<u4"),
        np.array([18, 16, 4, 8, 0, 0, 0, 0, 12, 0], "<u2").view("<u4"),
    ]
)
"""The first words of every feature; two places are filled in: its size, and where its properties are."""
SIZE_AT, PROPERTIES_AT = 0, 6
TIME = pa.timestamp("ms", "UTC")


def encoded(shapes: NDArray[np.object_], attributes: pa.RecordBatch) -> pa.BinaryArray:
    """Return (N,) features of polygons and multipolygons, with the attributes (types of `storable`) as properties."""
    properties = _properties(attributes)
    sizes = pc.binary_length(properties).to_numpy()
    words, starts = _geometry_words(shapes, sizes.astype(np.int64))
    return _joined([_binary(words, 4 * starts), _rows_binary(sizes.astype("<u4").view(np.uint8), 4), properties])


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


def _geometry_words(
    shapes: NDArray[np.object_], property_bytes: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the words of all features but their properties, and (N + 1,) where each begins."""
    at = _Places.of(shapes)
    words = np.zeros(int(at.starts[-1]), "<u4")
    first = at.starts[:-1]
    words[first[:, None] + np.arange(len(HEAD))] = HEAD
    lengths = 4 * np.diff(at.starts)
    words[first + SIZE_AT] = lengths + property_bytes  # with the properties' own length, without the size itself
    words[first + PROPERTIES_AT] = lengths - 4 * PROPERTIES_AT
    words[first + PARTS] = at.part_counts
    owner, number = at.part_owner, at.part_number
    start, parts = first[owner], at.part_counts[owner]
    words[start + PARTS + 1 + number] = 4 * parts + 12 * number
    table = start + PARTS + 1 + parts + 4 * number
    words[table] = 4 * (table - start - PART_FIELDS)
    words[table + 1] = 4 * (at.ends - table - 1)
    words[table + 2] = 4 * (at.points - table - 2)
    words[table + 3] = POLYGON
    words[at.ends] = at.ring_counts
    words[runs(at.ends + 1, at.ring_counts)] = at.ring_ends
    words[at.points] = 2 * at.point_counts
    words[runs(at.points + 1, 4 * at.point_counts)] = at.coordinates.view("<u4").reshape(-1)
    return words, at.starts


@dataclass(frozen=True)
class _Places:
    """Of N shapes with P parts in all: counts, and the words at which things begin."""

    starts: NDArray[np.int64]
    """(N + 1,) of the features."""
    part_counts: NDArray[np.int64]
    part_owner: NDArray[np.int64]
    part_number: NDArray[np.int64]
    """(P,) within its shape."""
    ring_counts: NDArray[np.int64]
    point_counts: NDArray[np.int64]
    ends: NDArray[np.int64]
    """(P,) of the list of where rings end."""
    points: NDArray[np.int64]
    """(P,) of the list of points; odd, so that after its length the doubles are where eight bytes begin."""
    ring_ends: NDArray[np.uint32]
    coordinates: NDArray[np.float64]

    @classmethod
    def of(cls, shapes: NDArray[np.object_]) -> "_Places":
        rings = Rings.of(shapes)
        owner, ring_part, sizes = rings.part_owner, rings.ring_part, rings.ring_sizes
        part_counts = np.bincount(owner, minlength=len(shapes))
        ring_counts = np.bincount(ring_part, minlength=len(owner))
        point_counts = np.bincount(ring_part, weights=sizes, minlength=len(owner)).astype(np.int64)
        first_part = np.cumsum(part_counts) - part_counts
        ends_at = PARTS + 1 + 5 * part_counts[owner] + _before(1 + ring_counts, first_part[owner])
        tail = PARTS + 1 + 6 * part_counts + _sums(ring_counts, first_part, part_counts)
        tail += (part_counts > 0) & (tail % 2 == 0)
        points_at = tail[owner] + _before(2 + 4 * point_counts, first_part[owner])
        lengths = tail + np.maximum(0, _sums(2 + 4 * point_counts, first_part, part_counts) - 1)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return cls(
            starts=starts,
            part_counts=part_counts,
            part_owner=owner,
            part_number=np.arange(len(owner)) - first_part[owner],
            ring_counts=ring_counts,
            point_counts=point_counts,
            ends=starts[owner] + ends_at,
            points=starts[owner] + points_at,
            ring_ends=(np.cumsum(sizes) - (np.cumsum(point_counts) - point_counts)[ring_part]).astype("<u4"),
            coordinates=np.ascontiguousarray(rings.coordinates, "<f8"),
        )


def _before(values: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each value the sum of those before it, from the value number `first` on."""
    sums = np.concatenate([[0], np.cumsum(values)])
    found: NDArray[np.int64] = sums[:-1] - sums[first]
    return found


def _sums(values: NDArray[np.int64], first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sums of `counts` values from `first` on."""
    sums = np.concatenate([[0], np.cumsum(values)])
    found: NDArray[np.int64] = sums[first + counts] - sums[first]
    return found


def _properties(attributes: pa.RecordBatch) -> pa.BinaryArray:
    """Return (N,) properties: of each value that is not missing its column's number, and the value."""
    pieces: list[pa.Array] = []
    for number, column in enumerate(attributes.columns):
        if pa.types.is_timestamp(column.type):
            column = pc.binary_replace_slice(column.cast(pa.string()).cast(pa.binary()), 10, 11, b"T")
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False).astype("<u4")
            pieces += [_tagged(number, lengths, column), pc.fill_null(column.cast(pa.binary()), b"")]
        else:
            values = pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0)
            pieces.append(_tagged(number, values.to_numpy(zero_copy_only=False), column))
    return _joined(pieces) if pieces else pa.array([b""] * attributes.num_rows, pa.binary())


def _tagged(number: int, values: NDArray[np.generic], column: pa.Array) -> pa.Array:
    """Return (N,) the column's number and the value; nothing where it is missing."""
    rows = np.empty((len(values), 2 + values.itemsize), np.uint8)
    rows[:, :2] = np.array([number], "<u2").view(np.uint8)
    rows[:, 2:] = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    found = _rows_binary(rows.reshape(-1), rows.shape[1])
    return pc.if_else(column.is_valid(), found, pa.scalar(b"", pa.binary())) if column.null_count else found


def _rows_binary(data: NDArray[np.uint8], width: int) -> pa.BinaryArray:
    return _binary(data, np.arange(0, len(data) + 1, width))


def _binary(data: NDArray[np.generic], offsets: NDArray[np.int64]) -> pa.BinaryArray:
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def _joined(pieces: list[pa.Array]) -> pa.BinaryArray:
    return pc.binary_join_element_wise(*pieces, pa.scalar(b"", pa.binary()))
