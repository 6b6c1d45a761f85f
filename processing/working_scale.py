"""The whole factors that bring pixels of any ground sampling distance near the one that a detector works at."""

from dataclasses import dataclass
from math import floor, log


@dataclass(frozen=True, slots=True)
class WorkingScale:
    """Where a detector sees best.

    Fine imagery is averaged down to about `pooled_m`. Coarse imagery is enlarged to about `enlarged_m` only: finer
    would add pixels but nothing to see.
    """

    pooled_m: float
    enlarged_m: float

    def factors(self, gsd_m: float) -> tuple[int, int]:
        """Return (pool, up), one of them 1: the whole factor whose result is nearest in the logarithm."""
        if gsd_m <= self.pooled_m:
            return _nearest(self.pooled_m / gsd_m), 1
        return 1, _nearest(max(1.0, gsd_m / self.enlarged_m))


def _nearest(ratio: float) -> int:
    return min((floor(ratio), floor(ratio) + 1), key=lambda factor: abs(log(factor / ratio)))
