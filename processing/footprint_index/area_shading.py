"""Coverage to palette indices, in pictures with a column for PNG's filter byte on the left. Empties the coverage."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.compiling import compiled, inlined
from processing.footprint_index.coverage import Coverage
from processing.footprint_index.shading import OPACITY_STEPS
from processing.footprint_index.signed_area import AREA_BITS, FULL, covered

FILL_STEPS, LINE_STEPS = 5, 6
OUTLINE_STEPS = FILL_STEPS * LINE_STEPS


def shade_areas(coverage: Coverage, picture: NDArray[np.uint8]) -> None:
    """Colour pixels by the class that covers most of them; opacity, or filling and outline, tells how much is covered.

    picture: (height_px, width_px + 1) uint8, empty.
    """
    outlined, classes = coverage.line.size > 0, coverage.winner.size > 0
    if outlined:
        _shade_outlines(coverage, coverage.line.view(np.int32), classes, picture)
    elif classes:
        _shade_classes(coverage, picture)
    else:
        _shade_one(coverage.signed, picture)


def covered_shares(coverage: Coverage, height_px: int, width_px: int) -> NDArray[np.float64]:
    """Return (height_px, width_px) covered shares of pixels, summed up over footprints: above 1 where they overlap."""
    if coverage.winner.size:
        return coverage.total / FULL
    signed = coverage.signed.reshape(height_px + 1, width_px + 2)[:height_px, :width_px]
    return np.maximum(np.cumsum(signed, axis=1, dtype=np.int32), 0) / FULL


@compiled
def _shade_one(signed: Any, picture: Any) -> None:
    height, width = picture.shape[0], picture.shape[1] - 1
    sums = np.empty(width, np.int32)
    for line in range(height):
        if _sum_up(signed, line * (width + 2), sums):
            for column in range(width):
                step = _steps(sums[column], OPACITY_STEPS - 1)
                picture[line, column + 1] = step + (step > 0)


@compiled
def _shade_classes(coverage: Any, picture: Any) -> None:
    height, width = coverage.total.shape
    for line in range(height):
        for column in range(width):
            total = coverage.total[line, column]
            if total == 0:
                continue
            coverage.total[line, column] = coverage.greatest[line, column] = 0
            step = _steps(total, OPACITY_STEPS - 1)
            if step > 0:
                picture[line, column + 1] = 1 + coverage.winner[line, column] * OPACITY_STEPS + step


@compiled
def _shade_outlines(coverage: Any, edges: Any, classes: bool, picture: Any) -> None:
    """Colour pixels in steps of filling and of outline. edges: the coverage by lines as whole numbers."""
    height, width = coverage.line.shape
    sums = np.empty(width, np.int32)
    for line in range(height):
        if classes:
            filled = _take(coverage.total, coverage.greatest, line, sums)
        else:
            filled = _sum_up(coverage.signed, line * (width + 2), sums)
        if not filled:
            sums[:] = 0
            if not _holds_any(edges[line]):
                continue
        for column in range(width):
            rim = np.int32(coverage.line[line, column] * (LINE_STEPS - 1) + np.float32(0.5))
            index = _steps(sums[column], FILL_STEPS - 1) * LINE_STEPS + rim
            picture[line, column + 1] = index + (index > 0)
        if classes:
            for column in range(width):
                if picture[line, column + 1] > 0:
                    picture[line, column + 1] += coverage.winner[line, column] * OUTLINE_STEPS
        coverage.line[line] = 0


@inlined
def _steps(share: Any, most: Any) -> Any:
    """Return a covered share in whole steps, rounded."""
    return (covered(share) * np.int32(most) + np.int32(FULL // 2)) >> np.int32(AREA_BITS)


@inlined
def _sum_up(signed: Any, start: Any, sums: Any) -> Any:
    """Sum up a line of signed areas, and empty it; tell whether there was anything."""
    own = signed[start : start + sums.size + 2]
    if not _holds_any(own):
        return False
    share = np.int32(0)
    for column in range(sums.size):
        share += own[column]
        sums[column] = share
    own[:] = 0
    return True


@inlined
def _take(total: Any, greatest: Any, line: Any, sums: Any) -> Any:
    if not _holds_any(total[line]):
        return False
    for column in range(sums.size):
        sums[column] = total[line, column]
    total[line] = 0
    greatest[line] = 0
    return True


@inlined
def _holds_any(numbers: Any) -> Any:
    found = np.int32(0)
    for at in range(numbers.size):
        found |= numbers[at]
    return found != 0
