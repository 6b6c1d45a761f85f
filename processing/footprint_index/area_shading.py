"""Coverage to palette indices, in pictures with a column for PNG's filter byte on the left. Empties the coverage."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.class_areas import CLASS_BITS
from processing.footprint_index.compiling import compiled, inlined
from processing.footprint_index.coverage import Coverage
from processing.footprint_index.shading import OPACITY_STEPS
from processing.footprint_index.signed_area import AREA_BITS, FULL, covered
from processing.footprint_index.strokes import LINE_FULL

FILL_STEPS, LINE_STEPS = 5, 6
OUTLINE_STEPS = FILL_STEPS * LINE_STEPS
PLAIN_STEPS = 16
"""Where all have one colour: so few that two pixels fit into a byte."""
PLAIN_FILL_STEPS, PLAIN_LINE_STEPS = 3, 5
_CLASS = np.int32((1 << CLASS_BITS) - 1)
_HALF_LINE = (LINE_FULL // 2) << CLASS_BITS


def shade_areas(coverage: Coverage, picture: NDArray[np.uint8]) -> None:
    """Colour pixels by the class that covers most of them; opacity, or filling and outline, tells how much is covered.

    picture: empty, from `shading.blank_picture`, packed where there are no classes.
    """
    if coverage.best.size:
        _shade_classes(coverage, picture)
    else:
        _shade_plain(coverage.signed, coverage.line, picture)


def covered_shares(coverage: Coverage, height_px: int, width_px: int) -> NDArray[np.float64]:
    """Return (height_px, width_px) covered shares of pixels, summed up over footprints: above 1 where they overlap."""
    if coverage.best.size:
        return coverage.total / FULL
    signed = coverage.signed.reshape(height_px + 1, width_px + 2)[:height_px, :width_px]
    return np.maximum(np.cumsum(signed, axis=1, dtype=np.int32), 0) / FULL


@compiled
def _shade_plain(signed: Any, outlines: Any, picture: Any) -> None:
    height = picture.shape[0]
    outlined = outlines.size > 0
    width = signed.size // (height + 1) - 2
    sums, own = np.zeros(width, np.int32), np.zeros(width + (width & 1), np.uint8)
    for line in range(height):
        filled = _sum_up(signed, line * (width + 2), sums)
        if not outlined:
            if filled:
                for column in range(width):
                    own[column] = _steps(sums[column], PLAIN_STEPS - 1)
                _pack(own, picture[line])
        elif filled or _holds_any(outlines[line]):
            if not filled:
                sums[:] = 0
            edges = outlines[line]
            for column in range(width):
                rim = _rim(edges[column], PLAIN_LINE_STEPS - 1)
                own[column] = _steps(sums[column], PLAIN_FILL_STEPS - 1) * PLAIN_LINE_STEPS + rim
                edges[column] = 0
            _pack(own, picture[line])


@compiled
def _shade_classes(coverage: Any, picture: Any) -> None:
    height, width = coverage.total.shape
    outlined = coverage.line.size > 0
    for line in range(height):
        total, best, own = coverage.total[line], coverage.best[line], picture[line, 1:]
        filled = _holds_any(total)
        if not outlined:
            if filled:
                for column in range(width):
                    step = _steps(total[column], OPACITY_STEPS - 1)
                    index = 1 + (best[column] & _CLASS) * np.int32(OPACITY_STEPS) + step
                    own[column] = index if step > 0 else np.int32(0)
        elif filled or _holds_any(coverage.line[line]):
            _shade_outlined(total, best, coverage.line[line], own)
            coverage.line[line] = 0
        if filled:
            total[:] = 0
            best[:] = 0


@inlined
def _shade_outlined(total: Any, best: Any, edges: Any, own: Any) -> None:
    """Colour a line in steps of filling and of outline. An outline's class counts where it is at least half."""
    for column in range(own.size):
        edge, most = np.int32(edges[column]), best[column]
        index = _steps(total[column], FILL_STEPS - 1) * np.int32(LINE_STEPS) + _rim(edge, LINE_STEPS - 1)
        by_line = (edge >= np.int32(_HALF_LINE)) | (most <= _CLASS)
        own_class = (edge if by_line else most) & _CLASS
        own[column] = own_class * np.int32(OUTLINE_STEPS) + index + np.int32(1) if index > 0 else np.int32(0)


@inlined
def _rim(edge: Any, most: Any) -> Any:
    """Return a coverage by lines in whole steps, rounded."""
    return ((np.int32(edge) >> np.int32(CLASS_BITS)) * np.int32(most) + np.int32(LINE_FULL // 2)) // np.int32(LINE_FULL)


@inlined
def _pack(own: Any, line: Any) -> None:
    """Write two pixels to a byte, after the filter byte."""
    for at in range(own.size // 2):
        line[at + 1] = (own[2 * at] << np.uint8(4)) | own[2 * at + 1]


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
def _holds_any(numbers: Any) -> Any:
    found = numbers[0]
    for at in range(numbers.size):
        found |= numbers[at]
    return found != 0
