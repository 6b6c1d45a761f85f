"""A sum over footprints that does not depend on their order, to compare the index with the database."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MASK = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Checksum:
    """How many footprints, and the sum of their hashes modulo 2^64."""

    count: int = 0
    total: int = 0

    def __add__(self, other: "Checksum") -> "Checksum":
        """Return the checksum of both sets together."""
        return Checksum(self.count + other.count, (self.total + other.total) & _MASK)

    def __sub__(self, other: "Checksum") -> "Checksum":
        """Return the checksum of what is left without the other."""
        return Checksum(self.count - other.count, (self.total - other.total) & _MASK)


def checksum_of(ids: NDArray[np.int64], versions: NDArray[np.int32]) -> Checksum:
    """Return the checksum of (N,) ids and (N,) versions, in any order and in any pieces (add them up).

    Each pair goes through the finalizer of SplitMix64 (S. Vigna) twice.
    """
    hashed = _mixed(np.asarray(ids).astype(np.int64).view(np.uint64))
    hashed = _mixed(hashed ^ np.asarray(versions).astype(np.int64).view(np.uint64))
    return Checksum(len(hashed), int(hashed.sum(dtype=np.uint64)))


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
