"""Compiled loops that lay out features of a FlatGeobuf from the buffers of Arrow columns (`fgb_features.py`)."""

from typing import Any

import numpy as np

from processing.compiled import compiled, inlined

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
WKB_RING, WKB_HEAD, POINT_BYTES = 4, 9, 16
TIME_BYTES = 24


@inlined
def _number(data: Any, at: Any) -> Any:
    """Return the whole number of four bytes at a place."""
    low = np.int64(data[at]) | np.int64(data[at + 1]) << 8
    return low | np.int64(data[at + 2]) << 16 | np.int64(data[at + 3]) << 24


@inlined
def _double(data: Any, at: Any) -> Any:
    """Return the number of eight bytes at a place."""
    bits = np.uint64(_number(data, at)) | np.uint64(_number(data, at + 4)) << np.uint64(32)
    return np.uint64(bits).view(np.float64)


@inlined
def _put(out: Any, word: Any, value: Any, start: Any) -> None:
    """Write a word of a feature that starts at a byte."""
    for index in range(4):
        out[start + 4 * word + index] = np.uint8((value >> (8 * index)) & 255)


@compiled
def measured(data: Any, offsets: Any, words: Any, boxes: Any) -> Any:
    """Note for each WKB how many words its feature takes, and its box; tell whether all can be laid out as they are.

    They cannot where one is no two-dimensional polygon in little-endian order, or goes beyond ±180°.
    """
    for row in range(words.size):
        west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
        at, parts, rings, points = offsets[row], 0, 0, 0
        count = 0
        if offsets[row + 1] > at:
            kind = _number(data, at + 1)
            if data[at] != 1 or (kind != POLYGON and kind != MULTIPOLYGON):
                return False
            count = 1
            if kind == MULTIPOLYGON:
                count = _number(data, at + 5)
                at += WKB_HEAD
        for _ in range(count):
            if data[at] != 1 or _number(data, at + 1) != POLYGON:
                return False
            part_rings = _number(data, at + 5)
            at += WKB_HEAD
            parts += part_rings > 0
            rings += part_rings
            for _ in range(part_rings):
                size = _number(data, at)
                at += WKB_RING
                points += size
                for _ in range(size):
                    x, y = _double(data, at), _double(data, at + 8)
                    west, east = min(west, x), max(east, x)
                    south, north = min(south, y), max(north, y)
                    at += POINT_BYTES
        if west < -180.0 or east > 180.0:
            return False
        boxes[row, 0], boxes[row, 1], boxes[row, 2], boxes[row, 3] = west, south, east, north
        if points == 0:
            boxes[row, :] = np.nan
        words[row] = PARTS + 1
        if parts:
            tail = PARTS + 1 + 6 * parts + rings
            words[row] = tail + (tail % 2 == 0) + 2 * parts + 4 * points - 1
    return True


@compiled
def put_geometries(data: Any, offsets: Any, words: Any, starts: Any, head: Any, out: Any) -> None:
    """Write all but the properties of features that begin at `starts`, with the length of the properties."""
    for row in range(words.size):
        start, size = starts[row], starts[row + 1] - starts[row]
        for word in range(PARTS):
            _put(out, word, np.int64(head[word]), start)
        _put(out, SIZE_AT, size - 4, start)
        _put(out, PROPERTIES_AT, 4 * (words[row] - PROPERTIES_AT), start)
        _put(out, words[row], size - 4 * words[row] - 4, start)
        at = offsets[row]
        count = np.int64(0)
        if offsets[row + 1] > at:
            count = np.int64(1)
            if _number(data, at + 1) == MULTIPOLYGON:
                count = _number(data, at + 5)
                at += WKB_HEAD
        _put_parts(data, at, count, start, out)


@compiled
def _put_parts(data: Any, at: Any, count: Any, start: Any, out: Any) -> None:
    """Write the list of parts of one feature, whose polygons begin at a place of the WKB."""
    parts, rings, place = 0, 0, at
    for _ in range(count):
        part_rings = _number(data, place + 5)
        place += WKB_HEAD
        parts += part_rings > 0
        rings += part_rings
        for _ in range(part_rings):
            place += WKB_RING + POINT_BYTES * _number(data, place)
    _put(out, PARTS, np.int64(parts), start)
    ends = PARTS + 1 + 5 * parts
    points_at = PARTS + 1 + 6 * parts + rings
    points_at += points_at % 2 == 0
    number = np.int64(0)
    for _ in range(count):
        part_rings = _number(data, at + 5)
        at += WKB_HEAD
        if part_rings == 0:
            continue
        table = PARTS + 1 + parts + 4 * number
        _put(out, PARTS + 1 + number, np.int64(4 * parts + 12 * number), start)
        _put(out, table, np.int64(4 * (table - PART_FIELDS)), start)
        _put(out, table + 1, np.int64(4 * (ends - table - 1)), start)
        _put(out, table + 2, np.int64(4 * (points_at - table - 2)), start)
        _put(out, table + 3, np.int64(POLYGON), start)
        _put(out, ends, part_rings, start)
        total: Any = np.int64(0)
        for ring in range(part_rings):
            size = _number(data, at)
            _put_ring(data, at + WKB_RING, size, ring == 0, start + 4 * (points_at + 1 + 4 * total), out)
            at += WKB_RING + POINT_BYTES * size
            total += size
            _put(out, ends + 1 + ring, total, start)
        _put(out, points_at, 2 * total, start)
        ends += 1 + part_rings
        points_at += 2 + 4 * total
        number += 1


@compiled
def _put_ring(data: Any, at: Any, size: Any, is_outer: Any, target: Any, out: Any) -> None:
    """Copy the points of a ring: outer ones run counter-clockwise, holes clockwise."""
    doubled = 0.0
    if size:
        x0, y0 = _double(data, at), _double(data, at + 8)
        x, y = 0.0, 0.0
        for index in range(1, size):
            next_x = _double(data, at + POINT_BYTES * index) - x0
            next_y = _double(data, at + POINT_BYTES * index + 8) - y0
            doubled += x * next_y - next_x * y
            x, y = next_x, next_y
    if (doubled < 0.0 and is_outer) or (doubled > 0.0 and not is_outer):
        for index in range(size):
            source = at + POINT_BYTES * (size - 1 - index)
            for byte in range(POINT_BYTES):
                out[target + POINT_BYTES * index + byte] = data[source + byte]
    else:
        for byte in range(POINT_BYTES * size):
            out[target + byte] = data[at + byte]


@compiled
def put_values(values: Any, is_there: Any, number: Any, places: Any, out: Any) -> None:
    """Write a column's values of (N, bytes) at `places`, which move on; nothing where one is missing."""
    for row in range(places.size):
        if is_there[row]:
            at = places[row]
            out[at], out[at + 1] = np.uint8(number & 255), np.uint8(number >> 8)
            for byte in range(values.shape[1]):
                out[at + 2 + byte] = values[row, byte]
            places[row] = at + 2 + values.shape[1]


@compiled
def put_texts(offsets: Any, data: Any, is_there: Any, number: Any, places: Any, out: Any) -> None:
    """Write a column's texts at `places`, which move on; nothing where one is missing."""
    for row in range(places.size):
        if is_there[row]:
            at, size = places[row], np.int64(offsets[row + 1] - offsets[row])
            out[at], out[at + 1] = np.uint8(number & 255), np.uint8(number >> 8)
            for index in range(4):
                out[at + 2 + index] = np.uint8((size >> (8 * index)) & 255)
            first = offsets[row]
            for byte in range(size):
                out[at + 6 + byte] = data[first + byte]
            places[row] = at + 6 + size


@compiled
def put_times(times_ms: Any, out: Any) -> None:
    """Write (N, 24) times of the years 0 to 9999 in ISO 8601, of milliseconds since 1970.

    The calendar is counted in eras of 400 years that begin in March.
    """
    for row in range(times_ms.size):
        days, rest = times_ms[row] // 86_400_000, times_ms[row] % 86_400_000
        shifted = days + 719_468
        era, day = shifted // 146_097, shifted % 146_097
        year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
        day -= 365 * year + year // 4 - year // 100
        month = (5 * day + 2) // 153
        day -= (153 * month + 2) // 5 - 1
        month = month + 3 if month < 10 else month - 9
        year += 400 * era + (month <= 2)
        out[row, 4], out[row, 7], out[row, 10], out[row, 13], out[row, 16] = 45, 45, 84, 58, 58
        out[row, 19], out[row, 23] = 46, 90
        _put_digits(out, row, 0, 4, year)
        _put_digits(out, row, 5, 2, month)
        _put_digits(out, row, 8, 2, day)
        _put_digits(out, row, 11, 2, rest // 3_600_000)
        _put_digits(out, row, 14, 2, rest // 60_000 % 60)
        _put_digits(out, row, 17, 2, rest // 1000 % 60)
        _put_digits(out, row, 20, 3, rest % 1000)


@inlined
def _put_digits(out: Any, row: Any, first: Any, count: Any, value: Any) -> None:
    for index in range(count):
        out[row, first + count - 1 - index] = np.uint8(48 + value % 10)
        value //= 10


@compiled
def gather(source: Any, starts: Any, chosen: Any, out: Any) -> Any:
    """Copy the chosen features, which begin at `starts`, side by side; return how many bytes they have."""
    at = 0
    for row in range(chosen.size):
        first, size = starts[chosen[row]], starts[chosen[row] + 1] - starts[chosen[row]]
        for byte in range(size):
            out[at + byte] = source[first + byte]
        at += size
    return at
