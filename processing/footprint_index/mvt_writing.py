"""Bytes of Mapbox Vector Tiles 2.1 (protocol buffers), written by compiled loops into arrays that are large enough.

https://github.com/mapbox/vector-tile-spec/tree/master/2.1
"""

from functools import lru_cache
from typing import Any

import numpy as np

from processing.footprint_index.compiling import compiled

EXTENT = 4096
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
POINT, POLYGON = 1, 3
FEATURE_BYTES = 160
"""Room for a feature with up to eight properties, without its geometry."""
POINT_BYTES = 10
"""Room for one point of a geometry, and for what begins and ends a ring."""
VALUE_BYTES = 12
_FEATURE, _VALUE = 0x12, 0x22
_MOVE_TO_ONE, _LINE_TO, _CLOSE = 9, 2, 15


@compiled
def put_varint(out: Any, at: Any, value: Any) -> Any:
    """Write an unsigned number in groups of seven bits; return where the next byte goes."""
    rest = np.uint64(value)
    while rest >= np.uint64(128):
        out[at] = np.uint8(rest & np.uint64(127)) | np.uint8(128)
        rest >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(rest)
    return at + 1


@compiled
def put_signed(out: Any, at: Any, value: Any) -> Any:
    """Write a number that may be negative, zigzag: 0, -1, 1, -2, ..."""
    return put_varint(out, at, (value << 1) ^ (value >> 63))


@compiled
def varint_size(value: Any) -> Any:
    """Return how many bytes `put_varint` writes."""
    size, rest = 1, np.uint64(value)
    while rest >= np.uint64(128):
        rest >>= np.uint64(7)
        size += 1
    return size


@compiled
def put_ring(out: Any, at: Any, points: Any, cursor: Any) -> Any:
    """Write a closed ring of (n, 2) points; the cursor (2,) moves along."""
    at = put_varint(out, at, _MOVE_TO_ONE)
    for index in range(points.shape[0]):
        if index == 1:
            at = put_varint(out, at, (points.shape[0] - 1) << 3 | _LINE_TO)
        at = put_signed(out, at, points[index, 0] - cursor[0])
        at = put_signed(out, at, points[index, 1] - cursor[1])
        cursor[0], cursor[1] = points[index, 0], points[index, 1]
    return put_varint(out, at, _CLOSE)


@compiled
def put_feature(out: Any, at: Any, kind: Any, tags: Any, geometry: Any) -> Any:
    """Write a feature of (type, id), id -1 for none; tags: (n,) numbers of keys and values; geometry: its bytes."""
    number = np.int64(kind[1])
    tag_bytes = 0
    for index in range(tags.size):
        tag_bytes += varint_size(tags[index])
    size = 2 + 1 + varint_size(tag_bytes) + tag_bytes + 1 + varint_size(geometry.size) + geometry.size
    if number >= 0:
        size += 1 + varint_size(number)
    out[at] = _FEATURE
    at = put_varint(out, at + 1, size)
    if number >= 0:
        out[at] = 0x08
        at = put_varint(out, at + 1, number)
    out[at] = 0x12
    at = put_varint(out, at + 1, tag_bytes)
    for index in range(tags.size):
        at = put_varint(out, at, tags[index])
    out[at], out[at + 1], out[at + 2] = 0x18, kind[0], 0x22
    at = put_varint(out, at + 3, geometry.size)
    for index in range(geometry.size):
        out[at + index] = geometry[index]
    return at + geometry.size


@compiled
def put_double(out: Any, at: Any, parts: Any) -> Any:
    """Write a value of the layer: a number with a fraction, given as its (8,) bytes."""
    out[at], out[at + 1], out[at + 2] = _VALUE, 9, 0x19
    for index in range(8):
        out[at + 3 + index] = parts[index]
    return at + 11


@compiled
def put_whole(out: Any, at: Any, value: Any) -> Any:
    """Write a value of the layer: a whole number that is not negative."""
    out[at], out[at + 1], out[at + 2] = _VALUE, 1 + varint_size(value), 0x28
    return put_varint(out, at + 3, value)


def text_value(text: str) -> bytes:
    """Return a value of the layer: a text."""
    return _field(_VALUE, _field(0x0A, text.encode()))


def layer(name: str, keys: tuple[str, ...], parts: tuple[bytes | memoryview, ...]) -> bytes:
    """Return a tile with one layer; parts: its features and its values, in this order."""
    head = _head(name, keys)
    return b"".join((b"\x1a", _varint(len(head) + sum(len(part) for part in parts)), head, *parts))


@lru_cache(maxsize=16)
def _head(name: str, keys: tuple[str, ...]) -> bytes:
    named = _field(0x0A, name.encode()) + b"".join(_field(0x1A, key.encode()) for key in keys)
    return b"\x78\x02" + named + b"\x28" + _varint(EXTENT)


def _field(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
