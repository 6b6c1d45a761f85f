"""Shapes as the beginnings of FlatGeobuf's features (flatgeobuf.org; FlatBuffers' binary format), in array operations.

All is in words of four bytes, so that every place follows from how many parts, rings and points there are before it:

    0  size | root | fields of a feature (2 words) | feature: back to its fields, geometry, properties
    7  fields of a MultiPolygon (5) | MultiPolygon: back to its fields, type, parts
    15 fields of a Polygon (5) | number of parts, where each is | Polygons: back to their fields, ends, points, type
       number of rings of the first part, where each ends | … | points of the first part | …

The points begin at an odd word, so that after their number the doubles are where eight bytes begin.
"""

from dataclasses import dataclass

import numpy as np
import shapely
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
ONE_RING = np.array([1, 4, 28, 12, 20, POLYGON, 1, 0, 0, 0], "<u4")
"""What follows where there is one part of one ring; two places are filled in: its points, and twice as many."""
POINTS_AT, DOUBLED_AT = PARTS + 7, PARTS + 9
WORDS_PER_POINT = 4


def heads_of_rings(points: NDArray[np.int64], property_bytes: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the (N, 30) words before the points of N polygons of one ring each."""
    heads = np.tile(np.concatenate([HEAD, ONE_RING]), (len(points), 1))
    words = heads.shape[1] + WORDS_PER_POINT * points
    heads[:, SIZE_AT] = 4 * words + property_bytes
    heads[:, PROPERTIES_AT] = 4 * (words - PROPERTIES_AT)
    heads[:, POINTS_AT], heads[:, DOUBLED_AT] = points, 2 * points
    return heads


def words_of_shapes(
    shapes: NDArray[np.object_], property_bytes: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the words of any (N,) polygons and multipolygons, and where each shape's begin and end, (N + 1,).

    Outer rings have to run counter-clockwise; what has no points has no parts.
    """
    layout = _Layout.of(shapes)
    starts = np.concatenate([[0], np.cumsum(layout.words)])
    words = np.zeros(int(starts[-1]), "<u4")
    words[starts[:-1, None] + np.arange(PARTS)] = HEAD
    words[starts[:-1] + SIZE_AT] = 4 * layout.words + property_bytes
    words[starts[:-1] + PROPERTIES_AT] = 4 * (layout.words - PROPERTIES_AT)
    words[starts[:-1] + PARTS] = layout.parts
    layout.put(words, starts[:-1])
    return words, starts


@dataclass(frozen=True)
class _Layout:
    """Of (N,) shapes their parts and words; of (M,) parts their shape, number within it, rings, points, and places."""

    parts: NDArray[np.int64]
    words: NDArray[np.int64]
    owner: NDArray[np.int64]
    number: NDArray[np.int64]
    rings: NDArray[np.int64]
    points: NDArray[np.int64]
    ends_at: NDArray[np.int64]
    """Word of the shape at which the list of a part's rings begins."""
    points_at: NDArray[np.int64]
    outlines: Rings

    @classmethod
    def of(cls, shapes: NDArray[np.object_]) -> "_Layout":
        parts, owner = shapely.get_parts(shapes, return_index=True)
        is_there = ~shapely.is_empty(parts)
        outlines, owner = Rings.of(parts[is_there]), owner[is_there]
        rings = np.bincount(outlines.ring_part, minlength=len(owner))
        points = np.bincount(outlines.ring_part, outlines.ring_sizes, len(owner)).astype(np.int64)
        counts = np.bincount(owner, minlength=len(shapes))
        tails = PARTS + 1 + 6 * counts + np.bincount(owner, rings, len(shapes)).astype(np.int64)
        tails += tails % 2 == 0
        sizes = 2 + WORDS_PER_POINT * points
        ends = tails + np.bincount(owner, sizes, len(shapes)).astype(np.int64) - 1
        first = (np.cumsum(counts) - counts)[owner]
        return cls(
            parts=counts,
            words=np.where(counts > 0, ends, PARTS + 1),
            owner=owner,
            number=np.arange(len(owner)) - first,
            rings=rings,
            points=points,
            ends_at=PARTS + 1 + 5 * counts[owner] + _before(1 + rings, first),
            points_at=tails[owner] + _before(sizes, first),
            outlines=outlines,
        )

    def put(self, words: NDArray[np.uint32], starts: NDArray[np.int64]) -> None:
        """Write the parts of shapes that begin at `starts`."""
        start, counts = starts[self.owner], self.parts[self.owner]
        table = PARTS + 1 + counts + 4 * self.number
        words[start + PARTS + 1 + self.number] = 4 * counts + 12 * self.number
        words[start + table] = 4 * (table - PART_FIELDS)
        words[start + table + 1] = 4 * (self.ends_at - table - 1)
        words[start + table + 2] = 4 * (self.points_at - table - 2)
        words[start + table + 3] = POLYGON
        words[start + self.ends_at] = self.rings
        words[start + self.points_at] = 2 * self.points
        upto = np.cumsum(self.outlines.ring_sizes)
        first_ring = (np.cumsum(self.rings) - self.rings)[self.outlines.ring_part]
        before = upto[first_ring] - self.outlines.ring_sizes[first_ring]
        words[runs(start + self.ends_at + 1, self.rings)] = upto - before
        places = runs(start + self.points_at + 1, WORDS_PER_POINT * self.points)
        words[places] = np.ascontiguousarray(self.outlines.coordinates, "<f8").view("<u4").reshape(-1)


def _before(sizes: NDArray[np.int64], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the sum of the sizes of a shape's parts before each part; `first` is the number of its first one."""
    sums = np.cumsum(sizes) - sizes
    found: NDArray[np.int64] = sums - sums[first]
    return found
