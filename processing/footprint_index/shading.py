"""Sums to palette indices. The pictures have one more column, on the left: the filter byte of PNG, 0 for none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import CONFIDENCE_STEPS, NO_CONFIDENCE
from processing.footprint_index.compiling import compiled, inlined, read_only
from processing.footprint_index.layers import AREA, CONFIDENCE
from processing.footprint_index.summaries import area_bin

DENSITY_STEPS = 255
OPACITY_STEPS = 31
_FEW = 64
_FAINTEST = 18
"""Far out, the emptiest pixel that holds a building keeps more than half of the opacity."""
LOGARITHMS = read_only(np.log(np.maximum(np.arange(4096), 1)).astype(np.float32))


def blank_picture(height_px: int, width_px: int, packed: bool = False) -> NDArray[np.uint8]:
    """Return an empty picture: (height_px, 1 + width_px) uint8, or packed with two pixels in a byte, left one high."""
    return np.zeros((height_px, 1 + ((width_px + 1) // 2 if packed else width_px)), np.uint8)


@compiled
def _log(count: float, logarithms: Any) -> Any:
    whole = int(count)
    return logarithms[whole] if whole == count and whole < logarithms.size else np.log(count)


@compiled
def shade_density(layers: Any, offsets: Any, slope: float, logarithms: Any, picture: Any) -> None:
    """Colour pixels by density: index 1 and up. The steps of small whole numbers are worked out once a line."""
    counts = layers.counts
    steps, few = np.zeros(_FEW, np.uint8), np.empty(counts.shape[1], np.uint8)
    for line in range(counts.shape[0]):
        if not _holds_any(counts[line]):
            continue
        for count in range(1, _FEW):
            steps[count] = _density_step(offsets[line] + slope * logarithms[count])
        are_few = _all_few(counts[line], few)
        for column in range(counts.shape[1]):
            picture[line, column + 1] = steps[np.uint64(few[column])]
        if not are_few:
            for column in range(counts.shape[1]):
                if counts[line, column] != few[column] and counts[line, column] > 1e-3:
                    step = offsets[line] + slope * _log(counts[line, column], logarithms)
                    picture[line, column + 1] = _density_step(step)


@inlined
def _density_step(step: Any) -> Any:
    return np.uint8(1 + int(min(max(step, 0.0), DENSITY_STEPS - 1.0)))


@compiled
def _all_few(counts: Any, few: Any) -> Any:
    """Turn counts into whole numbers below _FEW; tell whether all are."""
    differ = np.int32(0)
    for column in range(counts.size):
        whole = np.int32(min(counts[column], np.float32(_FEW - 1)))
        differ |= np.int32(np.float32(whole) != counts[column])
        few[column] = whole
    return differ == 0


@compiled
def _holds_any(counts: Any) -> Any:
    found = np.int32(0)
    for bits in counts.view(np.int32):
        found |= bits
    return found != 0


@compiled
def shade_classes(layers: Any, painter: Any, scale: Any, logarithms: Any, picture: Any) -> None:
    """Colour pixels by the class of their mean, or of most of their footprints; opacity tells density."""
    offsets, slope = scale
    for line in range(layers.counts.shape[0]):
        for column in range(layers.counts.shape[1]):
            count = layers.counts[line, column]
            if count > 1e-3:
                step = offsets[line] + slope * _log(count, logarithms)
                opacity = _FAINTEST + int(min(max(step, 0.0), OPACITY_STEPS - 1.0 - _FAINTEST))
                own_class = _mean_class(layers, painter, line, column)
                picture[line, column + 1] = 1 + own_class * OPACITY_STEPS + opacity


@compiled
def _mean_class(layers: Any, painter: Any, line: int, column: int) -> Any:
    if painter.quantity == CONFIDENCE:
        if layers.rated[line, column] <= 1e-3:
            return painter.classes[NO_CONFIDENCE]
        mean = layers.value[line, column] / layers.rated[line, column]
        return painter.classes[int(min(max(mean, 0), CONFIDENCE_STEPS))]
    if painter.quantity == AREA:
        area = np.empty(1, np.float32)
        area[0] = max(layers.value[line, column] / layers.counts[line, column], 0)
        return painter.classes[area_bin(area.view(np.int32)[0])]
    return layers.winner[line, column]
