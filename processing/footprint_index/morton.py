"""Morton codes: the bits of x and y of a place, interleaved, so that near places get near numbers.

G. M. Morton, A computer oriented geodetic data base, IBM, 1966. x takes the even bits, y the odd ones.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.compiling import compiled


@compiled
def spread_bits(value: Any) -> Any:
    """Return a 32-bit number with a zero between each two of its bits."""
    bits = np.uint64(value) & np.uint64(0xFFFFFFFF)
    bits = (bits | (bits << np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    bits = (bits | (bits << np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    bits = (bits | (bits << np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    bits = (bits | (bits << np.uint64(2))) & np.uint64(0x3333333333333333)
    return (bits | (bits << np.uint64(1))) & np.uint64(0x5555555555555555)


@compiled
def gather_bits(code: Any) -> Any:
    """Return the number made of every second bit: what `spread_bits` spread."""
    bits = np.uint64(code) & np.uint64(0x5555555555555555)
    bits = (bits | (bits >> np.uint64(1))) & np.uint64(0x3333333333333333)
    bits = (bits | (bits >> np.uint64(2))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    bits = (bits | (bits >> np.uint64(4))) & np.uint64(0x00FF00FF00FF00FF)
    bits = (bits | (bits >> np.uint64(8))) & np.uint64(0x0000FFFF0000FFFF)
    return (bits | (bits >> np.uint64(16))) & np.uint64(0x00000000FFFFFFFF)


@compiled
def morton(x: Any, y: Any) -> Any:
    """Return the code of one place."""
    return spread_bits(x) | (spread_bits(y) << np.uint64(1))


@compiled
def morton_codes(x: NDArray[np.uint32], y: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return (N,) uint64 codes of (N,) uint32 places."""
    codes = np.empty(x.size, np.uint64)
    for row in range(x.size):
        codes[row] = morton(x[row], y[row])
    return codes


@compiled
def first_at_least(x: NDArray[np.uint32], y: NDArray[np.uint32], code: Any) -> int:
    """Return the first row, of rows sorted by code, whose code is at least `code`."""
    low, high = 0, x.size
    while low < high:
        middle = (low + high) // 2
        if morton(x[middle], y[middle]) < np.uint64(code):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def first_key_at_least(keys: NDArray[np.uint64], low: int, high: int, key: Any) -> int:
    """Return the first position in [low, high) of sorted keys that is at least `key`."""
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < np.uint64(key):
            low = middle + 1
        else:
            high = middle
    return low
