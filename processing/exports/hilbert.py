"""Where a point lies along a Hilbert curve over the whole Earth."""

import numpy as np
from numpy.typing import NDArray

ORDER = 28
"""Bits of each axis: cells of 0.15 m at the equator."""


def hilbert_keys(points_deg: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return the (N,) places along the curve of (N, 2) longitudes and latitudes.

    The curve does not depend on the data, so that keys of parts of a data set can be compared. From the largest
    quadrants to the smallest, each of which is turned as the curve enters it: D. Hilbert, Ueber die stetige Abbildung
    einer Linie auf ein Flächenstück, Mathematische Annalen 38, 1891.
    """
    share = points_deg / (360.0, 180.0) + 0.5
    cells = np.clip(np.nan_to_num(share) * 2.0**ORDER, 0, 2**ORDER - 1).astype(np.int64)
    x, y = cells[:, 0].copy(), cells[:, 1].copy()
    keys = np.zeros(len(cells), np.uint64)
    for bit in range(ORDER - 1, -1, -1):
        right, upper = (x >> bit) & 1, (y >> bit) & 1
        keys = (keys << np.uint64(2)) | ((3 * right) ^ upper).astype(np.uint64)
        inner = (1 << bit) - 1
        x, y = x & inner, y & inner
        mirrored, turned = (upper == 0) & (right == 1), upper == 0
        x, y = np.where(mirrored, inner - x, x), np.where(mirrored, inner - y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return keys
