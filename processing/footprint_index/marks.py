"""A pixel alone among empty ones is hard to see: it becomes a small cross. Pictures come in with a margin.

What Datashader's `dynspread` does for a whole picture, by a rule that looks no further than two pixels, so that tiles
agree along their edges.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.compiling import compiled

MARK_MARGIN_PX = 2


def with_marks(wide: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture (H, W + 1) without the margin of `wide` (H + 4, W + 5); both have a filter column."""
    picture = np.zeros((wide.shape[0] - 2 * MARK_MARGIN_PX, wide.shape[1] - 2 * MARK_MARGIN_PX), np.uint8)
    _mark(wide, picture)
    return picture


@compiled
def _mark(wide: Any, picture: Any) -> None:
    """Go line by line, without a branch for each pixel; lonely: the pixels of three lines that stand alone."""
    height, width = picture.shape[0], picture.shape[1] - 1
    lonely = np.zeros((3, wide.shape[1]), np.uint8)
    count = np.zeros(3, np.int64)
    for line in range(1, 3):
        count[line] = _find_alone(wide, line, lonely[line])
    for line in range(height):
        row = line + MARK_MARGIN_PX
        below, here, above = (row + 1) % 3, row % 3, (row - 1) % 3
        count[below] = _find_alone(wide, row + 1, lonely[below])
        if count[above] + count[here] + count[below] == 0:
            picture[line, 1:] = wide[row, MARK_MARGIN_PX + 1 : MARK_MARGIN_PX + 1 + width]
            continue
        over, under, own = lonely[above], lonely[below], lonely[here]
        for column in range(width):
            at = column + MARK_MARGIN_PX + 1
            top, bottom, left, right, pixel = over[at], under[at], own[at - 1], own[at + 1], wide[row, at]
            beside = left if left > 0 else right
            mark = top if top > 0 else (bottom if bottom > 0 else beside)
            picture[line, column + 1] = pixel if pixel > 0 else mark


@compiled
def _find_alone(wide: Any, row: int, alone: Any) -> Any:
    """Keep the pixels of a line whose eight neighbours are empty, tell how many; the column on the left is no pixel."""
    over, own, under = wide[row - 1], wide[row], wide[row + 1]
    alone[0] = alone[alone.size - 1] = 0
    found = np.uint8(0)
    for at in range(1, alone.size - 1):
        around = over[at - 1] | over[at] | over[at + 1] | own[at - 1] | own[at + 1]
        around |= under[at - 1] | under[at] | under[at + 1]
        pixel = own[at]
        alone[at] = pixel if around == 0 else np.uint8(0)
    for at in range(alone.size):
        found |= alone[at]
    return np.int64(found)
