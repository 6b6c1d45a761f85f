"""Where a point lies along a Hilbert curve over the whole Earth."""

import numpy as np
from numpy.typing import NDArray

from processing.regularization.compiled import compiled

ORDER = 28
"""Bits of each axis: cells of 0.15 m at the equator."""


def hilbert_keys(points_deg: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the (N,) places along the curve of (N, 2) longitudes and latitudes.

    The curve does not depend on the data, so that keys of parts of a data set can be compared. The turning of the
    quadrants follows J. Skilling, Programming the Hilbert curve, AIP Conference Proceedings 707, 2004.
    """
    share = (points_deg + (180.0, 90.0)) / (360.0, 180.0)
    cells = np.clip(np.nan_to_num(share) * 2**ORDER, 0, 2**ORDER - 1).astype(np.int64)
    keys = np.empty(len(cells), np.uint64)
    _fill(keys, cells)
    return keys


@compiled
def _fill(keys: NDArray[np.uint64], cells: NDArray[np.int64]) -> None:
    for index in range(len(keys)):
        x, y = cells[index, 0], cells[index, 1]
        key = 0
        side = 1 << (ORDER - 1)
        while side > 0:
            right = 1 if x & side else 0
            upper = 1 if y & side else 0
            key = (key << 2) | ((3 * right) ^ upper)
            if upper == 0:
                if right == 1:
                    x, y = (side - 1) - (x & (side - 1)), (side - 1) - (y & (side - 1))
                x, y = y, x
            x, y = x & (side - 1), y & (side - 1)
            side >>= 1
        keys[index] = key
