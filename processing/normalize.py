"""One radiometric scaling for a whole scene, so that the same roof looks the same in every window."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Stretch = tuple[tuple[float, float], ...]
"""For red, green and blue: the value that becomes 0 and the value that becomes 255."""

UNTOUCHED: Stretch = ((0.0, 255.0),) * 3
LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0
FLAT_BELOW, DARK_BELOW = 64.0, 96.0
"""8-bit pictures with less contrast, or whose brightest pixels are darker, are stretched; others are as their maker
meant them."""


def measure_stretch(samples: NDArray[Any], dtype: str) -> Stretch:
    """Choose the scaling from valid samples.

    samples: (C, N) values of the scene's own type, C = 3, or 1 for grey.
    """
    if samples.shape[1] == 0:
        return UNTOUCHED
    lows, highs = np.percentile(samples.astype(np.float64), [LOW_PERCENT, HIGH_PERCENT], axis=1)
    if dtype == "uint8":
        low, high = float(lows.min()), float(highs.max())
        natural = high - low >= FLAT_BELOW and high >= DARK_BELOW
        return UNTOUCHED if natural or high <= low else ((low, high),) * 3
    highs = np.where(highs > lows, highs, lows + 1.0)
    pairs = [(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]
    return tuple(pairs * 3 if len(pairs) == 1 else pairs)


def to_picture(values: NDArray[Any], valid: NDArray[np.bool_], stretch: Stretch) -> NDArray[np.uint8]:
    """Scale values to an 8-bit picture.

    values: (C, H, W), C = 3 or 1; valid: (H, W) bool. Returns (H, W, 3) uint8, 0 where there is no imagery.
    """
    picture = np.empty((*valid.shape, 3), np.uint8)
    for channel in range(3):
        if channel and values.shape[0] == 1 and stretch[channel] == stretch[0]:
            picture[..., channel] = picture[..., 0]
            continue
        band = values[min(channel, values.shape[0] - 1)]
        picture[..., channel] = _scale(band, stretch[channel])
    if not valid.all():
        picture[~valid] = 0
    return picture


def _scale(band: NDArray[Any], limits: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = limits
    if band.dtype == np.uint8 and limits == UNTOUCHED[0]:
        return band
    scaled: NDArray[Any] = band.astype(np.float64 if band.dtype.itemsize > 4 else np.float32)
    scaled -= low
    scaled *= 255.0 / (high - low)
    scaled += 0.5
    np.clip(scaled, 0, 255, out=scaled)
    scaled_8bit: NDArray[np.uint8] = scaled.astype(np.uint8)
    return scaled_8bit
