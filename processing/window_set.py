"""A set of windows at one byte each, however large the scene."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class WindowSet:
    """Columns and rows of windows, in a grid of flags over the range that they span."""

    def __init__(self, windows: Sequence[NDArray[np.int64]]) -> None:
        """Fill from arrays (N, 2) of columns and rows."""
        filled = [chunk for chunk in windows if len(chunk)]
        low = np.min([chunk.min(axis=0) for chunk in filled], axis=0) if filled else np.zeros(2, np.int64)
        high = np.max([chunk.max(axis=0) for chunk in filled], axis=0) if filled else low - 1
        self._column, self._row = int(low[0]), int(low[1])
        self._flags = np.zeros((int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1), np.bool_)
        for chunk in filled:
            self._flags[chunk[:, 0] - self._column, chunk[:, 1] - self._row] = True

    def holds(self, window: tuple[int, int]) -> bool:
        """Tell whether a window, inside or outside the range, is in the set."""
        column, row = window[0] - self._column, window[1] - self._row
        inside = 0 <= column < self._flags.shape[0] and 0 <= row < self._flags.shape[1]
        return inside and bool(self._flags[column, row])

    def remove(self, windows: Iterable[tuple[int, int]]) -> None:
        """Take windows out."""
        for column, row in windows:
            self._flags[column - self._column, row - self._row] = False
