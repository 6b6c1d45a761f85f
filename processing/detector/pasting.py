"""Paste the small mask of a detection into its box."""

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

INSIDE = 128
"""A pixel belongs to a building when its probability, in 255ths, reaches this."""
SMALLEST_BOX_PX = 0.5


def paste(box: NDArray[np.float32], mask: NDArray[np.uint8], side_px: int) -> tuple[int, int, NDArray[np.uint8]] | None:
    """Resample a mask over its box onto whole pixels.

    box: (4,) x0 y0 x1 y1 in window pixels. mask: (M, M) uint8 probability in 255ths over the box.
    Returns the first column, the first row and (H, W) uint8 probabilities; None when nothing is left in the window.
    Across the box's edge the probability falls to 0 over one mask cell; a pixel beyond it is kept, so that an outline
    drawn at one half runs along the edge.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    if not (x1 - x0 > SMALLEST_BOX_PX and y1 - y0 > SMALLEST_BOX_PX):  # also when a coordinate is not a number
        return None
    first_x, last_x = max(0, floor(x0) - 1), min(side_px, ceil(x1) + 1)
    first_y, last_y = max(0, floor(y0) - 1), min(side_px, ceil(y1) + 1)
    if first_x >= last_x or first_y >= last_y:
        return None
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.float32)
    padded[1:-1, 1:-1] = mask
    across = _weights(first_x, last_x, x0, x1, mask.shape[1])
    down = _weights(first_y, last_y, y0, y1, mask.shape[0])
    pasted: NDArray[np.float32] = down @ padded @ across.T
    return first_x, first_y, (pasted + np.float32(0.5)).astype(np.uint8)


def _weights(first: int, last: int, low: float, high: float, cells: int) -> NDArray[np.float32]:
    """Return (pixels, cells + 2): how much of each padded mask cell each pixel centre takes."""
    centres = np.arange(first, last) + 0.5
    position = np.clip((centres - low) * (cells / (high - low)) + 0.5, 0.0, cells + 0.999)
    cell = position.astype(np.int64)
    share = position - cell
    weights = np.zeros((len(centres), cells + 3), np.float32)
    rows = np.arange(len(centres))
    weights[rows, cell] = 1.0 - share
    weights[rows, cell + 1] += share
    return weights[:, : cells + 2]
