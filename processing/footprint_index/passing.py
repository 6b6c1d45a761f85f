"""Which rows pass a filter, a bit for each: worked out block by block when first asked for, many rows at once.

Files never change, so what is known of a block stays true; testing a bit costs far less than testing a row.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import BLOCK, Columns
from processing.footprint_index.compiling import compiled, inlined
from processing.footprint_index.filters import NOT_BEFORE_S, NOT_LATER_S, RowTest
from processing.footprint_index.region import MIXED, OUTSIDE, holds

_BYTES = BLOCK // 8
ALL_PASS = np.zeros(0, np.uint8)
"""Stands for bits that are all set."""


class Passing(NamedTuple):
    """The rows of one segment that are alive and pass one filter, as far as somebody asked."""

    bits: NDArray[np.uint8]
    """(B * BLOCK / 8,): a bit for each row."""
    known: NDArray[np.bool_]
    """(B,): blocks whose bits are worked out."""


def empty_passing(columns: Columns) -> Passing:
    """Return bits of which nothing is known."""
    blocks = len(columns.block_centre)
    return Passing(np.zeros(blocks * _BYTES, np.uint8), np.zeros(blocks, np.bool_))


def learn(passing: Passing, columns: Columns, test: RowTest, blocks: NDArray[np.int32]) -> None:
    """Work out the bits of these blocks. Two threads that do the same write the same.

    A block is marked as known after its bits are there, so that no other thread takes them too early.
    """
    missing = blocks[~passing.known[blocks]]
    if len(missing):
        _learn(passing.bits, columns, test, missing)
        passing.known[missing] = True


@inlined
def is_set(bits: Any, row: Any) -> Any:
    """Return the bit of a row, 1 or 0."""
    return (bits[row >> 3] >> np.uint8(row & 7)) & np.uint8(1)


@compiled
def _learn(bits: Any, columns: Any, test: Any, blocks: Any) -> None:
    own = np.empty(BLOCK, np.uint8)
    for block in blocks:
        first, count = block * BLOCK, min(BLOCK, columns.x.size - block * BLOCK)
        own[:] = 0
        own[:count] = 1
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            own[:] = 0
        elif test.tests:
            rows = slice(first, first + count)
            _keep_within(own, columns.confidence[rows], test.confidence)
            _keep_within(own, columns.area_m2[rows], test.area_m2)
            if test.created_s[0] > NOT_BEFORE_S or test.created_s[1] < NOT_LATER_S:
                _keep_within(own, columns.created_s[rows], test.created_s)
            _keep_named(own, columns.review[rows], test.review)
            if test.sources.size > 0:
                _keep_named(own, columns.sources[rows], test.sources)
            if test.block_class.size > 0 and test.block_class[block] == MIXED:
                _keep_inside(own, columns.x[rows], columns.y[rows], test.edges)
        for at in range(_BYTES):
            packed = np.uint8(0)
            for bit in range(8):
                packed |= own[8 * at + bit] << np.uint8(bit)
            if columns.dead.size > 0 and first // 8 + at < columns.dead.size:
                packed &= ~columns.dead[first // 8 + at]
            bits[block * _BYTES + at] = packed


@inlined
def _keep_within(own: Any, values: Any, ends: Any) -> None:
    low, high = ends
    for at in range(values.size):
        own[at] &= np.uint8((values[at] >= low) & (values[at] < high))


@inlined
def _keep_named(own: Any, values: Any, named: Any) -> None:
    for at in range(values.size):
        own[at] &= np.uint8(named[values[at]])


@inlined
def _keep_inside(own: Any, x: Any, y: Any, edges: Any) -> None:
    for at in range(x.size):
        if own[at] > 0 and not holds(edges, np.float64(x[at]), np.float64(y[at])):
            own[at] = 0
