"""Features along a Hilbert curve in bounded memory: runs that are sorted in memory lie side by side in one file.

Of what belongs together in the end, each run then holds one stretch, which is read at once.
"""

import os
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from processing.exports.fgb_features import Features
from processing.exports.fgb_loops import gather
from processing.exports.hilbert import hilbert_keys

RUN_BYTES = 4 * 2**20
"""A run is sorted in memory, which holds it three times meanwhile."""
GROUP_BYTES = 4 * 2**20


@dataclass
class SortedRuns:
    """All features so far, in a file that may be written and read, and what is known of each in memory."""

    file: BinaryIO
    low: NDArray[np.float64] = field(default_factory=lambda: np.full(2, np.inf))
    high: NDArray[np.float64] = field(default_factory=lambda: np.full(2, -np.inf))
    """The box around all; not a number where a shape is empty."""
    _held: list[Features] = field(default_factory=list)
    _boxes: list[NDArray[np.float32]] = field(default_factory=list)
    _keys: list[NDArray[np.uint64]] = field(default_factory=list)
    _sizes: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, features: Features) -> None:
        """Take N > 0 features."""
        self.low = np.minimum(self.low, features.boxes[:, :2].min(0))
        self.high = np.maximum(self.high, features.boxes[:, 2:].max(0))
        self._held.append(features)
        if sum(len(held.data) for held in self._held) >= RUN_BYTES:
            self._write_run()

    def finish(self) -> "OrderedFeatures":
        """Return all features in their final order; nothing can be added any more."""
        self._write_run()
        self.file.flush()
        keys = _joined(self._keys, np.zeros(0, np.uint64))
        order = np.argsort(keys, kind="stable")
        del keys
        sizes = _joined(self._sizes, np.zeros(0, np.int64))
        return OrderedFeatures(self.file, _joined(self._boxes, np.zeros((0, 4), np.float32)), sizes, order)

    def _write_run(self) -> None:
        if not self._held:
            return
        boxes = rounded_outwards(np.concatenate([held.boxes for held in self._held]))
        sizes = np.concatenate([np.diff(held.starts) for held in self._held])
        data = np.concatenate([held.data for held in self._held])
        self._held.clear()
        wide = boxes.astype(np.float64)
        keys = hilbert_keys((wide[:, :2] + wide[:, 2:]) / 2)
        order = np.argsort(keys, kind="stable")
        self.file.write(_gathered(data, sizes, order).data)
        self._boxes.append(boxes[order])
        self._keys.append(keys[order])
        self._sizes.append(sizes[order])


@dataclass(frozen=True)
class OrderedFeatures:
    """N features in a file, their (N, 4) boxes and (N,) sizes as they lie there, and the (N,) order that is wanted."""

    file: BinaryIO
    boxes: NDArray[np.float32]
    sizes: NDArray[np.int64]
    order: NDArray[np.int64]

    def write(self, target: BinaryIO) -> None:
        """Write the features in the order that is wanted."""
        starts = np.cumsum(self.sizes) - self.sizes
        group_of = np.cumsum(self.sizes[self.order]) // GROUP_BYTES
        edges = [0, *(np.flatnonzero(np.diff(group_of)) + 1).tolist(), len(self.order)]
        for first, end in pairwise(edges):
            chosen = self.order[first:end]
            rows = np.sort(chosen)
            data = self._read(starts, rows)
            target.write(_gathered(data, self.sizes[rows], np.searchsorted(rows, chosen)).data)

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


def _gathered(data: NDArray[np.uint8], sizes: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.uint8]:
    out = np.empty(len(data), np.uint8)
    gather(data, np.concatenate([[0], np.cumsum(sizes)]), order, out)
    return out


def _joined[T: np.generic](parts: list[NDArray[T]], nothing: NDArray[T]) -> NDArray[T]:
    whole = np.concatenate(parts) if parts else nothing
    parts.clear()
    return whole
