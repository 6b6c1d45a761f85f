"""Features along a Hilbert curve in bounded memory: runs that are sorted in memory lie side by side in one file.

Of what belongs together in the end, each run then holds one stretch, which is read at once.
"""

import os
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from processing.exports.binary_columns import content, of_offsets, sizes_of
from processing.exports.fgb_features import Features
from processing.exports.hilbert import hilbert_keys

RUN_BYTES = 4 * 2**20
"""A run is sorted in memory, which holds it three times meanwhile."""
GROUP_BYTES = 4 * 2**20
PLACE = np.dtype([("box", "<f4", 4), ("key", "<u8"), ("size", "<i4")])
"""What is known of each feature; it waits in a file of its own, for small arrays that stay keep the system from getting
back the memory around them."""


@dataclass
class SortedRuns:
    """All features so far in a file, and what is known of each in another; both may be written and read."""

    file: BinaryIO
    places: BinaryIO
    low: NDArray[np.float64] = field(default_factory=lambda: np.full(2, np.inf))
    high: NDArray[np.float64] = field(default_factory=lambda: np.full(2, -np.inf))
    """The box around all; not a number where a shape is empty."""
    _held: list[Features] = field(default_factory=list)

    def add(self, features: Features) -> None:
        """Take N > 0 features."""
        self.low = np.minimum(self.low, features.boxes[:, :2].min(0))
        self.high = np.maximum(self.high, features.boxes[:, 2:].max(0))
        self._held.append(features)
        if sum(held.data.nbytes for held in self._held) >= RUN_BYTES:
            self._write_run()

    def finish(self) -> "OrderedFeatures":
        """Return all features in their final order; nothing can be added any more."""
        self._write_run()
        self.file.flush()
        pa.default_memory_pool().release_unused()
        self.places.seek(0)
        found = np.fromfile(self.places, PLACE)
        order = np.argsort(found["key"], kind="stable")
        return OrderedFeatures(self.file, found["box"], found["size"], order)

    def _write_run(self) -> None:
        if not self._held:
            return
        boxes = rounded_outwards(np.concatenate([held.boxes for held in self._held]))
        data = pa.concat_arrays([held.data for held in self._held])
        self._held.clear()
        places = np.empty(len(boxes), PLACE)
        wide = boxes.astype(np.float64)
        places["box"], places["size"] = boxes, sizes_of(data)
        places["key"] = hilbert_keys((wide[:, :2] + wide[:, 2:]) / 2)
        order = np.argsort(places["key"], kind="stable")
        self.file.write(content(data.take(pa.array(order))))
        self.places.write(places[order].data)


@dataclass(frozen=True)
class OrderedFeatures:
    """N features in a file, their (N, 4) boxes and (N,) sizes as they lie there, and the (N,) order that is wanted."""

    file: BinaryIO
    boxes: NDArray[np.float32]
    sizes: NDArray[np.int32]
    order: NDArray[np.int64]

    def write(self, target: BinaryIO) -> None:
        """Write the features in the order that is wanted."""
        starts = np.cumsum(self.sizes, dtype=np.int64) - self.sizes
        for first, end in pairwise(self._edges()):
            chosen = self.order[first:end]
            rows = np.sort(chosen)
            places = np.concatenate([[0], np.cumsum(self.sizes[rows], dtype=np.int64)])
            data = of_offsets(places, self._read(starts, rows))
            target.write(content(data.take(pa.array(np.searchsorted(rows, chosen)))))

    def _edges(self) -> list[int]:
        """Return where groups begin in the order that is wanted, and its end."""
        ends = np.cumsum(self.sizes[self.order], dtype=np.int64)
        full = np.arange(GROUP_BYTES, int(ends[-1]) if len(ends) else 0, GROUP_BYTES)
        return sorted({0, *np.searchsorted(ends, full).tolist(), len(ends)})

    def _read(self, starts: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the bytes of some rows, in rising order, one stretch of neighbours after the other."""
        data = np.empty(int(self.sizes[rows].sum()), np.uint8)
        breaks = np.flatnonzero(np.diff(rows) != 1) + 1
        firsts, lasts = rows[np.concatenate([[0], breaks])], rows[np.concatenate([breaks - 1, [len(rows) - 1]])]
        view, at = memoryview(data), 0
        for start, end in zip(starts[firsts].tolist(), (starts[lasts] + self.sizes[lasts]).tolist(), strict=True):
            if os.preadv(self.file.fileno(), [view[at : at + end - start]], start) != end - start:
                raise OSError("the unordered features cannot be read back")
            at += end - start
        return data


def rounded_outwards(exact: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return (N, 4) boxes in single precision that hold the exact ones, larger by at most 2 m."""
    near = exact.astype(np.float32)
    infinity = np.float32(np.inf)
    low = np.where(near[:, :2] > exact[:, :2], np.nextafter(near[:, :2], -infinity), near[:, :2])
    high = np.where(near[:, 2:] < exact[:, 2:], np.nextafter(near[:, 2:], infinity), near[:, 2:])
    return np.concatenate([low, high], axis=1)
