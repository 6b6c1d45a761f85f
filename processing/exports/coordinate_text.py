"""Polygons as GeoJSON, WKT or KML text: one compiled loop writes the characters of a whole batch."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from processing.regularization.compiled import compiled

DECIMALS = 8
"""Of a degree: about a millimetre on the ground."""
NUMBER_BYTES = 14
Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Notation:
    """The words between the numbers. The order of the fields is that of the numbers in `_write`."""

    polygon: str
    polygon_end: str
    several: str
    several_end: str
    part: str
    part_next: str
    part_end: str
    outer: str
    outer_end: str
    hole: str
    hole_end: str
    point: str
    between: str
    point_end: str
    point_next: str

    @cached_property
    def words(self) -> tuple[Bytes, Offsets]:
        """All words in one array, and where each begins and ends."""
        texts = [getattr(self, item.name).encode() for item in fields(self)]
        return np.frombuffer(b"".join(texts), np.uint8), np.cumsum([0, *map(len, texts)]).astype(np.int64)

    @cached_property
    def sizes(self) -> tuple[int, int, int]:
        """Bytes at most for a shape, for a ring (with its part), for a point."""
        length = {item.name: len(getattr(self, item.name)) for item in fields(self)}
        shape = max(length["polygon"] + length["polygon_end"], length["several"] + length["several_end"])
        ring = sum(length[name] for name in ("part", "part_next", "part_end"))
        ring += max(length["outer"] + length["outer_end"], length["hole"] + length["hole_end"])
        point = sum(length[name] for name in ("point", "between", "point_end", "point_next"))
        return shape, ring, point + 2 * NUMBER_BYTES


GEOJSON = Notation(
    polygon='{"type":"Polygon","coordinates":', polygon_end="}",
    several='{"type":"MultiPolygon","coordinates":[', several_end="]}",
    part="[", part_next=",", part_end="]", outer="[", outer_end="]", hole=",[", hole_end="]",
    point="[", between=",", point_end="]", point_next=",",
)  # fmt: skip
WKT = Notation(
    polygon="POLYGON ", polygon_end="", several="MULTIPOLYGON (", several_end=")",
    part="(", part_next=", ", part_end=")", outer="(", outer_end=")", hole=", (", hole_end=")",
    point="", between=" ", point_end="", point_next=", ",
)  # fmt: skip
KML_RING, KML_RING_END = "<LinearRing><coordinates>", "</coordinates></LinearRing>"
KML = Notation(
    polygon="", polygon_end="", several="<MultiGeometry>", several_end="</MultiGeometry>",
    part="<Polygon>", part_next="", part_end="</Polygon>",
    outer=f"<outerBoundaryIs>{KML_RING}", outer_end=f"{KML_RING_END}</outerBoundaryIs>",
    hole=f"<innerBoundaryIs>{KML_RING}", hole_end=f"{KML_RING_END}</innerBoundaryIs>",
    point="", between=",", point_end="", point_next=" ",
)  # fmt: skip


def polygon_texts(shapes: NDArray[np.object_], notation: Notation) -> pa.LargeStringArray:
    """Return the text of (N,) polygons and multipolygons in degrees, coordinates rounded to 8 decimals."""
    if not len(shapes):
        return pa.array([], pa.large_string())
    multi = np.append(shapely.get_type_id(shapes) == 6, True)  # the last makes the layout one with parts, always
    filler = shapely.MultiPolygon([shapely.box(0, 0, 1, 1)])
    _, points, (rings, parts, owners) = shapely.to_ragged_array(np.append(shapes, filler))
    shape_bytes, ring_bytes, point_bytes = notation.sizes
    room = len(multi) * shape_bytes + len(rings) * ring_bytes + len(points) * point_bytes
    text = np.empty(room, np.uint8)
    ends = np.zeros(len(shapes) + 1, np.int64)
    scaled = np.rint(points * 10**DECIMALS).astype(np.int64)
    rings, parts, owners = (np.asarray(offsets, np.int64) for offsets in (rings, parts, owners))
    used = _write(text, ends, (scaled, rings, parts, owners), multi, notation.words)
    return pa.LargeStringArray.from_buffers(len(shapes), pa.py_buffer(ends), pa.py_buffer(text[:used]))


@compiled
def _word(text: Bytes, at: int, words: tuple[Bytes, Offsets], number: int) -> int:
    letters, starts = words
    for index in range(starts[number], starts[number + 1]):
        text[at] = letters[index]
        at += 1
    return at


@compiled
def _number(text: Bytes, at: int, value: int) -> int:
    """Write value / 10^8 without trailing zeros; a whole number has no point."""
    if value < 0:
        text[at] = 45
        at += 1
        value = -value
    whole, rest = value // 100_000_000, value % 100_000_000
    size = 1 + (whole >= 10) + (whole >= 100)
    for place in range(size - 1, -1, -1):
        text[at + place] = 48 + whole % 10
        whole //= 10
    at += size
    if rest == 0:
        return at
    digits = 8
    while rest % 10 == 0:
        rest //= 10
        digits -= 1
    text[at] = 46
    for place in range(digits, 0, -1):
        text[at + place] = 48 + rest % 10
        rest //= 10
    return at + digits + 1


@compiled
def _ring(text: Bytes, at: int, points: NDArray[np.int64], ends: tuple[int, int], words: tuple[Bytes, Offsets]) -> int:
    for index in range(ends[0], ends[1]):
        if index > ends[0]:
            at = _word(text, at, words, 14)
        at = _word(text, at, words, 11)
        at = _number(text, at, points[index, 0])
        at = _word(text, at, words, 12)
        at = _number(text, at, points[index, 1])
        at = _word(text, at, words, 13)
    return at


@compiled
def _write(
    text: Bytes,
    ends: Offsets,
    layout: tuple[NDArray[np.int64], Offsets, Offsets, Offsets],
    multi: NDArray[np.bool_],
    words: tuple[Bytes, Offsets],
) -> int:
    points, rings, parts, owners = layout
    at = 0
    for shape in range(len(ends) - 1):
        at = _word(text, at, words, 2 if multi[shape] else 0)
        for part in range(owners[shape], owners[shape + 1]):
            if part > owners[shape]:
                at = _word(text, at, words, 5)
            at = _word(text, at, words, 4)
            for ring in range(parts[part], parts[part + 1]):
                first = ring == parts[part]
                at = _word(text, at, words, 7 if first else 9)
                at = _ring(text, at, points, (rings[ring], rings[ring + 1]), words)
                at = _word(text, at, words, 8 if first else 10)
            at = _word(text, at, words, 6)
        at = _word(text, at, words, 3 if multi[shape] else 1)
        ends[shape + 1] = at
    return at
