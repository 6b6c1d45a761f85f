"""Which shapes have come by before, in 24 bytes a shape."""

import hashlib

import numpy as np
import shapely
from numpy.typing import NDArray

Keys = NDArray[np.uint64]


class SeenShapes:
    """Remembers a 128-bit digest and the row of every shape.

    Digests lie in sorted runs, each at least twice as long as the next, so that adding N shapes sorts each of them
    O(log N) times and a look-up is a binary search in O(log N) runs.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Keys, Keys, NDArray[np.int64]]] = []

    def first_rows(self, shapes: NDArray[np.object_], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Remember (N,) shapes with their rows; return (N,) the row that had the same shape first, 0 where new.

        Two shapes are the same if they have the same corners in the same order, wherever the rings begin and whichever
        way they run.
        """
        high, low = _digests(shapes)
        earlier = self._look_up(high, low)
        order = np.lexsort((rows, low, high))
        same = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
        starts = np.concatenate([[True], ~same]) if len(order) else np.zeros(0, bool)
        first_here = order[np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))]
        earlier[order] = np.where((earlier[order] == 0) & ~starts, rows[first_here], earlier[order])
        new = order[starts & (earlier[order] == 0)]
        self._add(high[new], low[new], rows[new])
        return earlier

    def _look_up(self, high: Keys, low: Keys) -> NDArray[np.int64]:
        found = np.zeros(len(high), np.int64)
        for highs, lows, rows in self._runs:
            at = np.minimum(np.searchsorted(highs, high), len(highs) - 1)
            hit = (highs[at] == high) & (lows[at] == low)
            found[hit] = rows[at[hit]]
        return found

    def _add(self, high: Keys, low: Keys, rows: NDArray[np.int64]) -> None:
        run = high, low, rows
        while self._runs and len(self._runs[-1][0]) < 2 * len(run[0]):
            last = self._runs.pop()
            joined = [np.concatenate(pair) for pair in zip(last, run, strict=True)]
            order = np.argsort(joined[0], kind="stable")
            run = joined[0][order], joined[1][order], joined[2][order]
        if len(run[0]):
            self._runs.append(run)


def _digests(shapes: NDArray[np.object_]) -> tuple[Keys, Keys]:
    texts = shapely.to_wkb(shapely.normalize(shapes))
    raw = b"".join(hashlib.blake2b(text, digest_size=16).digest() for text in texts)
    both = np.frombuffer(raw, np.uint64).reshape(-1, 2)
    return both[:, 0].copy(), both[:, 1].copy()
