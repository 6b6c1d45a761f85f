"""Columns of bytes, for formats whose records are put together from pieces of their columns: Arrow does the copying."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

BYTES = pa.large_binary()


def fixed_width(rows: NDArray[Any]) -> pa.Array:
    """Return (N,) or (N, M) values as N pieces of bytes of one width."""
    rows = np.ascontiguousarray(rows)
    width = rows.nbytes // max(len(rows), 1)
    return of_offsets(width * np.arange(len(rows) + 1), rows)


def of_offsets(offsets: NDArray[np.int64], data: Any) -> pa.Array:
    """Return the N pieces of a buffer between (N + 1,) places."""
    buffers = [None, pa.py_buffer(np.asarray(offsets, np.int64)), pa.py_buffer(data)]
    return pa.Array.from_buffers(BYTES, len(offsets) - 1, buffers)


def offsets_and_bytes(pieces: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return where each of N pieces begins and the last one ends, (N + 1,), in the buffer that comes with it."""
    _, offsets, data = pieces.buffers()
    if not len(pieces):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int64, len(pieces) + 1, 8 * pieces.offset)
    return places, np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)


def sizes_of(pieces: pa.Array) -> NDArray[np.int64]:
    """Return the (N,) lengths in bytes; 0 where a piece is missing."""
    sizes: NDArray[np.int64] = pc.fill_null(pc.binary_length(pieces), 0).to_numpy()
    return sizes


def side_by_side(columns: Sequence[pa.Array]) -> pa.Array:
    """Join the pieces of each row; missing ones are left out."""
    nothing = pa.scalar(b"", BYTES)  # made here: the first value that Arrow makes loads pandas, if it may be loaded
    return pc.binary_join_element_wise(*columns, nothing, null_handling="skip")


def content(pieces: pa.Array) -> memoryview:
    """Return the bytes of all pieces, one after the other."""
    offsets, data = offsets_and_bytes(pieces)
    return data[offsets[0] : offsets[-1]].data
