"""Which blocks may hold what a window shows: superblocks first, then their blocks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import BLOCK, SUPERBLOCK, Columns
from processing.footprint_index.compiling import compiled

Box = tuple[float, float, float, float]
"""left, top, right, bottom in the grid; what lies on the right or lower edge is outside."""


def blocks_by_centre(columns: Columns, box: Box) -> NDArray[np.int32]:
    """Return the blocks that may hold a centre inside the box."""
    found = np.empty(len(columns.block_centre), np.int32)
    return found[: _overlapping(columns.super_centre, columns.block_centre, box, found)]


def blocks_by_shape(columns: Columns, box: Box) -> NDArray[np.int32]:
    """Return the blocks that may hold a shape that meets the box."""
    found = np.empty(len(columns.block_shape), np.int32)
    return found[: _overlapping(columns.super_shape, columns.block_shape, box, found)]


@compiled
def _overlapping(super_boxes: Any, boxes: Any, box: Any, found: Any) -> int:
    per_superblock = SUPERBLOCK // BLOCK
    count = 0
    for superblock in range(super_boxes.shape[0]):
        if not meets(super_boxes[superblock], box):
            continue
        first = superblock * per_superblock
        for block in range(first, min(first + per_superblock, boxes.shape[0])):
            if meets(boxes[block], box):
                found[count] = block
                count += 1
    return count


@compiled
def meets(own: Any, box: Any) -> Any:
    """Tell whether a block's box, edges included, meets a window."""
    return own[0] < box[2] and own[2] >= box[0] and own[1] < box[3] and own[3] >= box[1]


@compiled
def lies_within(own: Any, box: Any) -> Any:
    """Tell whether all of a block's centres lie inside the window."""
    return own[0] >= box[0] and own[2] < box[2] and own[1] >= box[1] and own[3] < box[3]
