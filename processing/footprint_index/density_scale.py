"""Densities on one scale for all tiles of a zoom: logarithmic, from one building in a pixel to a dense town."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.grid import UNITS_PER_M, GridWindow

DENSE_PER_KM2 = 4000.0
_FEWEST_OCTAVES = 3


@dataclass(frozen=True, slots=True)
class DensityScale:
    """Buildings per km² (true area) at the lower and at the upper end."""

    low: float
    high: float

    def share(self, per_km2: float) -> float:
        """Return where a density lies between the ends: 0 to 1."""
        return min(max(math.log(per_km2 / self.low) / math.log(self.high / self.low), 0.0), 1.0)


def density_scale(window: GridWindow) -> DensityScale:
    """Return the scale for a window; it depends on nothing but the size of its pixels."""
    pixel_km2 = window.units_per_px_x * window.units_per_px_y / UNITS_PER_M**2 * 1e-6
    low = 1 / pixel_km2
    return DensityScale(low, max(DENSE_PER_KM2, low * 2**_FEWEST_OCTAVES))


def row_offsets(window: GridWindow, scale: DensityScale, steps: int) -> tuple[NDArray[np.float32], float]:
    """Return (height_px,) offsets and a slope: the step of a count is offset + slope * log(count)."""
    slope = (steps - 1) / math.log(scale.high / scale.low)
    offsets = (np.log(1 / window.pixel_km2()) - math.log(scale.low)) * slope
    return offsets.astype(np.float32), slope
