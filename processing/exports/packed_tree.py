"""A packed R-tree over boxes that are in their final order, as FlatGeobuf stores it."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

NODE_SIZE = 16
NODE = np.dtype([("low", "<f8", 2), ("high", "<f8", 2), ("offset", "<u8")])
"""A leaf's offset is its feature's first byte; an inner node's is the number of its first child."""
CHUNK_ROWS = 4096 * NODE_SIZE


def tree_chunks(
    boxes: NDArray[np.float32], order: NDArray[np.int64], sizes: NDArray[np.integer]
) -> Iterator[NDArray[np.void]]:
    """Yield the nodes over (N, 4) boxes, N > 0: levels from the root down, the leaves in chunks.

    Leaf number i is box `order[i]`; its feature has `sizes[i]` bytes and follows that of the leaf before; (N,) each.
    """
    counts = [len(boxes)]
    while len(counts) == 1 or counts[-1] > 1:
        counts.append(-(-counts[-1] // NODE_SIZE))
    firsts = np.cumsum(counts[::-1])[::-1] - counts  # of each level, leaves first
    chunks = [slice(at, at + CHUNK_ROWS) for at in range(0, len(order), CHUNK_ROWS)]
    levels = [np.concatenate([_above(_leaves(boxes, order[chunk])) for chunk in chunks])]
    while len(levels) < len(counts) - 1:
        levels.append(_above(levels[-1]))
    for number, level in enumerate(levels):
        level["offset"] = firsts[number] + NODE_SIZE * np.arange(len(level))
    yield from reversed(levels)
    begin = 0
    for chunk in chunks:
        leaves = _leaves(boxes, order[chunk])
        ends = begin + np.cumsum(sizes[chunk], dtype=np.int64)
        leaves["offset"] = ends - sizes[chunk]
        begin = int(ends[-1])
        yield leaves


def _leaves(boxes: NDArray[np.float32], order: NDArray[np.int64]) -> NDArray[np.void]:
    leaves = np.zeros(len(order), NODE)
    leaves["low"], leaves["high"] = boxes[order, :2], boxes[order, 2:]
    return leaves


def _above(nodes: NDArray[np.void]) -> NDArray[np.void]:
    """Return a node for every sixteen; where they lie is filled in later."""
    starts = np.arange(0, len(nodes), NODE_SIZE)
    parents = np.zeros(len(starts), NODE)
    parents["low"] = np.minimum.reduceat(nodes["low"], starts)
    parents["high"] = np.maximum.reduceat(nodes["high"], starts)
    return parents
