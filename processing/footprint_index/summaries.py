"""What blocks and superblocks know about their rows: boxes to skip them, sums to spare reading them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import AREA_BINS, BLOCK, CONFIDENCE_BINS, NO_CONFIDENCE, RING_END, SUPERBLOCK
from processing.footprint_index.compiling import compiled

_FAR = 2**62
_ROOT_OF_TWO = 0x3504F3
_STEPS_IN_BIN = 100


@compiled
def area_bin(bits: Any) -> Any:
    """Return the bin of `columns.area_edges_m2` in which an area lies, given the 32 bits of its float."""
    exponent = (bits >> 23) - 127
    if exponent < 0:
        return 0
    return min(1 + 2 * exponent + (1 if (bits & 0x7FFFFF) >= _ROOT_OF_TWO else 0), AREA_BINS - 1)


@compiled
def confidence_bin(steps: Any) -> Any:
    """Return the hundredth in which a confidence lies; 1 itself lies in the last."""
    return min(np.int64(steps) // _STEPS_IN_BIN, CONFIDENCE_BINS - 1)


@compiled
def shape_box(x: Any, y: Any, scale: Any, vertices: NDArray[np.int16]) -> Any:
    """Return left, top, right, bottom of one footprint, rounded outwards to whole units."""
    left, top, right, bottom = 32767, 32767, -32767, -32767
    for at in range(vertices.shape[0]):
        if vertices[at, 0] != RING_END:
            left, right = min(left, vertices[at, 0]), max(right, vertices[at, 0])
            top, bottom = min(top, vertices[at, 1]), max(bottom, vertices[at, 1])
    step = 2.0**scale
    return (
        np.int64(x) + np.int64(np.floor(left * step)), np.int64(y) + np.int64(np.floor(top * step)),
        np.int64(x) + np.int64(np.ceil(right * step)), np.int64(y) + np.int64(np.ceil(bottom * step)),
    )  # fmt: skip


@compiled
def summarize_blocks(rows: Any, vertex_start: Any, vertices: Any, shape: Any, centre: Any) -> None:
    """Fill (B, 4) boxes of shapes (int64) and of centres (uint32) of blocks of rows (x, y, scale, ...)."""
    x, y, scale = rows
    for block in range(shape.shape[0]):
        box = (_FAR, _FAR, -_FAR, -_FAR)
        left = top = np.uint32(0xFFFFFFFF)
        right = bottom = np.uint32(0)
        for row in range(block * BLOCK, min((block + 1) * BLOCK, x.size)):
            own = shape_box(x[row], y[row], scale[row], vertices[vertex_start[row] : vertex_start[row + 1]])
            box = min(box[0], own[0]), min(box[1], own[1]), max(box[2], own[2]), max(box[3], own[3])
            left, top = min(left, x[row]), min(top, y[row])
            right, bottom = max(right, x[row]), max(bottom, y[row])
        shape[block, 0], shape[block, 1], shape[block, 2], shape[block, 3] = box
        centre[block, 0], centre[block, 1], centre[block, 2], centre[block, 3] = left, top, right, bottom


@compiled
def summarize_superblocks(area_m2: Any, confidence: Any, sums: Any, bins: Any) -> None:
    """Fill (S,) sums of area and of confidence, and (S, ...) bins of area and of confidence."""
    area_sum, confidence_sum = sums
    area_bins, confidence_bins = bins
    bits = area_m2.view(np.int32)
    for superblock in range(area_sum.size):
        for row in range(superblock * SUPERBLOCK, min((superblock + 1) * SUPERBLOCK, area_m2.size)):
            area_sum[superblock] += area_m2[row]
            area_bins[superblock, area_bin(bits[row])] += 1
            if confidence[row] != NO_CONFIDENCE:
                confidence_sum[superblock] += confidence[row]
                confidence_bins[superblock, confidence_bin(confidence[row])] += 1


def merged_boxes(boxes: NDArray[Any], count: int) -> NDArray[Any]:
    """Return (S, 4) boxes around each `count` following ones of (B, 4)."""
    starts = np.arange(0, len(boxes), count)
    if not len(boxes):
        return boxes.copy()
    low = np.minimum.reduceat(boxes[:, :2], starts, axis=0)
    return np.hstack((low, np.maximum.reduceat(boxes[:, 2:], starts, axis=0)))
