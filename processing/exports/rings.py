"""The parts, rings and points of many polygons as flat arrays, for formats that are laid out by arithmetic."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rings:
    """Of polygons and multipolygons: each part's shape, each ring's part and number of points, and all points."""

    part_owner: NDArray[np.int64]
    ring_part: NDArray[np.int64]
    ring_sizes: NDArray[np.int64]
    coordinates: NDArray[np.float64]
    """(points, 2) degrees, ring after ring."""

    @classmethod
    def of(cls, shapes: NDArray[np.object_]) -> "Rings":
        """Take (N,) shapes apart; one without points has no parts."""
        parts, part_owner = shapely.get_parts(shapes, return_index=True)
        rings, ring_part = shapely.get_rings(parts, return_index=True)
        coordinates, ring_of_point = shapely.get_coordinates(rings, return_index=True)
        return cls(part_owner, ring_part, np.bincount(ring_of_point, minlength=len(rings)), coordinates)


def runs(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return starts[0], starts[0] + 1, … of `lengths[0]` places, then those of the next."""
    before = np.cumsum(lengths) - lengths
    places: NDArray[np.int64] = np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
    return places
