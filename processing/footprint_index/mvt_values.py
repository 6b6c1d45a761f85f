"""The values of a vector tile's layer: each is written once, and features name it by its number."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.compiling import compiled
from processing.footprint_index.mvt_writing import VALUE_BYTES, put_double, put_whole, text_value

WHOLE, TENTHS, TEN_THOUSANDTHS = 0, 1, 2
"""What a number counts. Fractions are kept in whole steps, so that equal ones are found and read well."""
_KINDS = 4
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_HIGH = np.uint64(32)


class Values(NamedTuple):
    """A hash table with open addressing, and the bytes of the values."""

    keys: NDArray[np.int64]
    """(2^n,): 0 where nothing is kept."""
    numbers: NDArray[np.int32]
    out: NDArray[np.uint8]
    used: NDArray[np.int64]
    """(2,): how many values there are, and how many bytes they take."""
    number: NDArray[np.float64]
    """(1,): room for a number, and below for its bytes."""
    parts: NDArray[np.uint8]


def new_values(most_numbers: int, texts: Sequence[str]) -> Values:
    """Return a table that begins with the texts and has room for so many numbers."""
    size = 2 ** max(4, (2 * most_numbers).bit_length())
    start = b"".join(text_value(text) for text in texts)
    out = np.empty(len(start) + most_numbers * VALUE_BYTES, np.uint8)
    if start:
        out[: len(start)] = np.frombuffer(start, np.uint8)
    used, number = np.array([len(texts), len(start)]), np.zeros(1)
    return Values(np.zeros(size, np.int64), np.empty(size, np.int32), out, used, number, number.view(np.uint8))


def written(values: Values) -> memoryview:
    """Return the bytes of all values."""
    return memoryview(values.out)[: values.used[1]]


@compiled
def number_of(values: Any, kind: Any, steps: Any) -> Any:
    """Return the number of a value of so many steps; it is added if it is new."""
    key = np.int64(steps * _KINDS + kind + 1)
    mask = values.keys.size - 1
    place = np.int64((np.uint64(key) * _SPREAD) >> _HIGH) & mask
    while values.keys[place] != 0:
        if values.keys[place] == key:
            return values.numbers[place]
        place = (place + 1) & mask
    number, at = values.used
    values.keys[place] = key
    values.numbers[place] = number
    if kind == WHOLE:
        values.used[1] = put_whole(values.out, at, steps)
    else:
        values.number[0] = steps / (10.0 if kind == TENTHS else 10_000.0)
        values.used[1] = put_double(values.out, at, values.parts)
    values.used[0] += 1
    return number
