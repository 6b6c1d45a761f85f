"""Polygons as the records of a Shapefile's .shp and .shx, a batch at a time.

All lengths are multiples of four bytes, so that a batch is laid out as 32-bit words in a few array operations.
Source: ESRI Shapefile Technical Description, 1998.
"""

import struct
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import shapely
from numpy.typing import NDArray

from processing.exports.rings import Rings, runs

HEADER_BYTES = 100
POLYGON = 5
RECORD = np.dtype(
    [("number", ">i4"), ("words", ">i4"), ("type", "<i4"), ("box", "<f8", 4), ("rings", "<i4"), ("points", "<i4")]
)
RECORD_WORDS = RECORD.itemsize // 4
NULL_WORDS = 3
"""A shape without points is its number, its length and the type 0."""


@dataclass
class ShapeRecords:
    """Writes shapes to an open .shp and its .shx. `size_bytes` is that of the .shp so far."""

    shp: BinaryIO
    shx: BinaryIO
    size_bytes: int = HEADER_BYTES
    count: int = 0
    _low: NDArray[np.float64] = field(default_factory=lambda: np.full(2, np.inf))
    _high: NDArray[np.float64] = field(default_factory=lambda: np.full(2, -np.inf))

    def __post_init__(self) -> None:
        self.shp.write(bytes(HEADER_BYTES))
        self.shx.write(bytes(HEADER_BYTES))

    def add(self, shapes: NDArray[np.object_]) -> None:
        """Write (N,) polygons and multipolygons with outer rings counter-clockwise; in the file they are clockwise."""
        rings = _Outlines.of(shapes)
        lengths = np.where(rings.points > 0, RECORD_WORDS + rings.counts + 4 * rings.points, NULL_WORDS)
        starts = np.cumsum(lengths) - lengths
        words = np.zeros(int(lengths.sum()), "<u4")
        self._lay_out(words, starts, lengths, rings)
        index = np.empty((len(shapes), 2), ">i4")
        index[:, 0] = self.size_bytes // 2 + 2 * starts
        index[:, 1] = 2 * (lengths - 2)
        self.shp.write(words.data)
        self.shx.write(index.data)
        self.size_bytes += words.nbytes
        self.count += len(shapes)
        if len(rings.coordinates):
            self._low = np.minimum(self._low, rings.coordinates.min(0))
            self._high = np.maximum(self._high, rings.coordinates.max(0))

    def finish(self) -> None:
        """Write the headers, which say how long the files are and what they cover."""
        box = (*self._low, *self._high) if np.isfinite(self._low).all() else (0.0,) * 4
        for file, size in ((self.shp, self.size_bytes), (self.shx, HEADER_BYTES + 8 * self.count)):
            file.seek(0)
            file.write(struct.pack(">7i", 9994, 0, 0, 0, 0, 0, size // 2))
            file.write(struct.pack("<2i8d", 1000, POLYGON, *box, 0.0, 0.0, 0.0, 0.0))

    def _lay_out(
        self, words: NDArray[np.uint32], starts: NDArray[np.int64], lengths: NDArray[np.int64], rings: "_Outlines"
    ) -> None:
        heads = np.zeros(len(starts), RECORD)
        heads["number"] = self.count + 1 + np.arange(len(starts))
        heads["words"] = 2 * (lengths - 2)
        full = rings.points > 0
        heads["type"] = np.where(full, POLYGON, 0)
        heads["box"], heads["rings"], heads["points"] = rings.boxes, rings.counts, rings.points
        head_words = heads.view("<u4").reshape(len(starts), RECORD_WORDS)
        words[starts[:, None] + np.arange(NULL_WORDS)] = head_words[:, :NULL_WORDS]
        words[starts[full, None] + np.arange(RECORD_WORDS)] = head_words[full]
        words[runs(starts + RECORD_WORDS, rings.counts)] = rings.first_points
        places = runs(starts + RECORD_WORDS + rings.counts, 4 * rings.points)
        words[places] = rings.coordinates.view("<u4").reshape(-1)


@dataclass(frozen=True)
class _Outlines:
    """Rings of a batch: rings and points of each of (N,) shapes, its box, and all points in the file's order."""

    counts: NDArray[np.int64]
    points: NDArray[np.int64]
    boxes: NDArray[np.float64]
    first_points: NDArray[np.uint32]
    """Of each ring, counted within its shape."""
    coordinates: NDArray[np.float64]

    @classmethod
    def of(cls, shapes: NDArray[np.object_]) -> "_Outlines":
        rings = Rings.of(shapes)
        owner, sizes = rings.part_owner[rings.ring_part], rings.ring_sizes
        ends = np.cumsum(sizes)
        backwards = np.repeat(2 * ends - sizes - 1, sizes) - np.arange(len(rings.coordinates))
        points = np.bincount(owner, weights=sizes, minlength=len(shapes)).astype(np.int64)
        first_of_shape = np.cumsum(points) - points
        return cls(
            counts=np.bincount(owner, minlength=len(shapes)),
            points=points,
            boxes=np.nan_to_num(shapely.bounds(shapes)),
            first_points=(ends - sizes - first_of_shape[owner]).astype("<u4"),
            coordinates=np.ascontiguousarray(rings.coordinates[backwards], "<f8"),
        )
