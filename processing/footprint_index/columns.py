"""The columns of a segment: what each holds and in which type. Compiled loops take them as one named tuple."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GRID_BITS = 32
BLOCK = 256
"""Rows in a block; only the last may hold fewer."""
SUPERBLOCK = 64 * BLOCK
LOWEST_LEVEL, HIGHEST_LEVEL = 8, 18
"""Cells of level L are the pixels of zoom L - 8 with tiles of 256 px: L = 18 is zoom 10."""
HIGHEST_FILTERED_LEVEL = 15
"""Cells of filtered rows go no further: their views hold fewer rows, and so much of it can be kept for many filters."""
CONFIDENCE_STEPS = 10_000
NO_CONFIDENCE = CONFIDENCE_STEPS + 1
"""Stands in the column where nobody said how sure a footprint is. It is no step: sums, means and bins leave it out."""
CONFIDENCE_BINS = 100
AREA_BINS = 42
SMALLEST_SCALE = -5
"""1/32 of a unit, 0.3 mm: so a building up to 19 m wide is kept; larger ones take coarser steps."""
STEP_UNITS = np.exp2(np.arange(SMALLEST_SCALE, 32))
"""Units in a step of each scale, from the smallest on: looking it up is much faster than a power."""
RING_END = -32768
"""Separates two rings among the vertices, which are all greater."""

ROW_COLUMNS: dict[str, Any] = {
    "x": np.uint32, "y": np.uint32,  # centre of the bounding box, in the grid
    "ids": np.int64, "versions": np.int32,
    "area_m2": np.float32,
    "confidence": np.uint16,  # whole steps of 1/10000, rounded down, or NO_CONFIDENCE
    "sources": np.uint32,  # ordinal of the pair of job and scene
    "created_s": np.uint32,
    "review": np.uint8,
    "scale": np.int8,  # vertices are in units of 2^scale of the grid, relative to the centre
}  # fmt: skip


class Columns(NamedTuple):
    """One segment: N rows in Morton order of their centre, V vertices, B blocks, S superblocks, and who is hidden."""

    x: NDArray[np.uint32]
    y: NDArray[np.uint32]
    ids: NDArray[np.int64]
    versions: NDArray[np.int32]
    area_m2: NDArray[np.float32]
    confidence: NDArray[np.uint16]
    sources: NDArray[np.uint32]
    created_s: NDArray[np.uint32]
    review: NDArray[np.uint8]
    scale: NDArray[np.int8]
    vertex_start: NDArray[np.uint32]
    """(N + 1,)"""
    vertices: NDArray[np.int16]
    """(V, 2): rings without their repeated point, outer ones turning one way and holes the other."""
    id_rows: NDArray[np.uint32]
    """(N,) rows in the order of their ids."""
    block_shape: NDArray[np.int64]
    """(B, 4) bounding box of all vertices: left, top, right, bottom; it may pass the edges of the world."""
    block_centre: NDArray[np.uint32]
    """(B, 4) bounding box of the centres, inclusive."""
    super_shape: NDArray[np.int64]
    super_centre: NDArray[np.uint32]
    super_area_m2: NDArray[np.float64]
    super_confidence: NDArray[np.int64]
    super_area_bins: NDArray[np.int32]
    """(S, AREA_BINS)"""
    super_confidence_bins: NDArray[np.int32]
    """(S, CONFIDENCE_BINS)"""
    dead: NDArray[np.uint8]
    """A bit for each row that is deleted or hidden by a newer version; empty where there is none."""


class Cells(NamedTuple):
    """Footprints summed up in the pixels of low zooms, level after level, in Morton order of the cell in each."""

    start: NDArray[np.int64]
    """(HIGHEST_LEVEL + 2,): cells of level L are start[L] to start[L + 1]."""
    keys: NDArray[np.uint64]
    counts: NDArray[np.int32]
    area_m2: NDArray[np.float32]
    """Sum; like `confidence` and `counts` negative in cells that take away what was deleted."""
    confidence: NDArray[np.float32]
    """Sum, in steps."""
    rated: NDArray[np.int32]
    """How many of `counts` have a confidence."""
    sources: NDArray[np.uint32]
    """The one that most of the cell's footprints have; where none has the majority, one of them."""
    review: NDArray[np.uint8]


CELL_COLUMNS: dict[str, Any] = {
    "keys": np.uint64,
    "counts": np.int32,
    "area_m2": np.float32,
    "confidence": np.float32,
    "rated": np.int32,
    "sources": np.uint32,
    "review": np.uint8,
}


def area_edges_m2() -> NDArray[np.float64]:
    """Return the (AREA_BINS + 1,) edges of the area histogram: half octaves from 1 m², with an open first and last."""
    inner = np.exp2(np.arange(AREA_BINS - 1) / 2).astype(np.float32).astype(np.float64)
    return np.concatenate(([0.0], inner, [np.inf]))
