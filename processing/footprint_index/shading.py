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
_HARDLY, _MOST_CONFIDENCE = np.float32(1e-3), np.float32(CONFIDENCE_STEPS)
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
    width = layers.counts.shape[1]
    steps, few = np.zeros(_FEW, np.uint8), np.empty(width, np.uint8)
    opacity, classes, means = np.empty(width, np.uint8), np.empty(width, np.uint8), np.empty(width, np.float32)
    for line in range(layers.counts.shape[0]):
        counts = layers.counts[line]
        if not _holds_any(counts):
            continue
        for count in range(1, _FEW):
            steps[count] = _opacity_step(offsets[line] + slope * logarithms[count])
        are_few = _all_few(counts, few)
        for column in range(width):
            opacity[column] = steps[np.uint64(few[column])]
        if not are_few:
            for column in range(width):
                if counts[column] != few[column] and counts[column] > 1e-3:
                    opacity[column] = _opacity_step(offsets[line] + slope * _log(counts[column], logarithms))
        _classify(layers, painter, line, (means, means.view(np.int32)), classes)
        for column in range(width):
            index = np.uint8(1) + classes[column] * np.uint8(OPACITY_STEPS) + opacity[column]
            picture[line, column + 1] = index if counts[column] > np.float32(1e-3) else np.uint8(0)


@inlined
def _opacity_step(step: Any) -> Any:
    return np.uint8(_FAINTEST + int(min(max(step, 0.0), OPACITY_STEPS - 1.0 - _FAINTEST)))


@inlined
def _classify(layers: Any, painter: Any, line: Any, means: Any, classes: Any) -> None:
    """Write the class of each pixel of a line. means: room for their means, as numbers and as their bits."""
    values, bits = means
    own = painter.classes
    if painter.quantity == CONFIDENCE:
        for column in range(classes.size):
            rated = layers.rated[line, column]
            mean = min(max(layers.value[line, column] / max(rated, _HARDLY), np.float32(0)), _MOST_CONFIDENCE)
            bits[column] = np.int32(mean) if rated > _HARDLY else np.int32(NO_CONFIDENCE)
        for column in range(classes.size):
            classes[column] = own[np.uint64(bits[column])]
    elif painter.quantity == AREA:
        for column in range(classes.size):
            count = max(layers.counts[line, column], _HARDLY)
            values[column] = max(layers.value[line, column] / count, np.float32(0))
        for column in range(classes.size):
            classes[column] = own[area_bin(bits[column])]
    else:
        for column in range(classes.size):
            classes[column] = layers.winner[line, column]
