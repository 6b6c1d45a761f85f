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
    for line in range(picture.shape[0]):
        for column in range(1, picture.shape[1]):
            row, across = line + MARK_MARGIN_PX, column + MARK_MARGIN_PX
            picture[line, column] = wide[row, across]
            if wide[row, across] == 0:
                for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                    if wide[row + down, across + right] != 0 and _is_alone(wide, row + down, across + right):
                        picture[line, column] = wide[row + down, across + right]
                        break


@compiled
def _is_alone(wide: Any, row: int, across: int) -> bool:
    """Tell whether a pixel's eight neighbours are empty; the column on the left is no pixel, and is empty."""
    for down in range(-1, 2):
        for right in range(-1, 2):
            if (down != 0 or right != 0) and wide[row + down, across + right] != 0:
                return False
    return True
