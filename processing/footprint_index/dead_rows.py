"""Rows that are deleted or hidden by a newer version: found by id, kept as sorted row numbers, used as bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import Columns
from processing.footprint_index.compiling import compiled, read_only


def rows_of_ids(columns: Columns, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N,) the row of each id in a segment, dead or alive, -1 where the segment does not hold it."""
    return np.asarray(_rows_of_ids(columns.ids, columns.id_rows, read_only(np.asarray(ids, np.int64))))


@compiled
def _rows_of_ids(ids: Any, id_rows: Any, wanted: Any) -> Any:
    rows = np.full(wanted.size, -1, np.int64)
    for index in range(wanted.size):
        low, high = 0, id_rows.size
        while low < high:
            middle = (low + high) // 2
            if ids[id_rows[middle]] < wanted[index]:
                low = middle + 1
            else:
                high = middle
        if low < id_rows.size and ids[id_rows[low]] == wanted[index]:
            rows[index] = id_rows[low]
    return rows


def dead_bits(rows: NDArray[np.uint32], row_count: int) -> NDArray[np.uint8]:
    """Return a bit for each of the segment's rows, set where it is dead; empty where none is."""
    bits = np.zeros((row_count + 7) // 8 if len(rows) else 0, np.uint8)
    np.bitwise_or.at(bits, rows >> 3, np.left_shift(1, rows & 7).astype(np.uint8))
    return read_only(bits)
