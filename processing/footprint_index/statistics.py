"""Exact statistics of a view. A footprint belongs to the view in which the centre of its bounding box lies.

The west and the north edge belong to the view, the east and the south edge do not: so the views of a grid of tiles
share no footprint and miss none.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.blocks import Box, blocks_by_centre, lies_within
from processing.footprint_index.columns import (
    AREA_BINS,
    BLOCK,
    CONFIDENCE_BINS,
    CONFIDENCE_STEPS,
    NO_CONFIDENCE,
    SUPERBLOCK,
    Columns,
    area_edges_m2,
)
from processing.footprint_index.compiling import compiled
from processing.footprint_index.filters import NO_FILTER, FootprintFilters, RowTest, passes
from processing.footprint_index.grid import GRID_UNITS, BoundsM, bounds_area_km2, grid_bounds
from processing.footprint_index.region import OUTSIDE
from processing.footprint_index.snapshot import Snapshot
from processing.footprint_index.summaries import area_bin, confidence_bin


@dataclass(frozen=True)
class ViewStatistics:
    """Of the footprints of a view. Means are NaN where there are none."""

    count: int
    total_area_m2: float
    mean_area_m2: float
    mean_confidence: float
    """Of those that have one."""
    area_histogram: NDArray[np.int64]
    """(AREA_BINS,) counts between `area_edges_m2`."""
    area_edges_m2: NDArray[np.float64]
    """(AREA_BINS + 1,): half octaves; the last is infinite."""
    confidence_histogram: NDArray[np.int64]
    """(100,) counts by hundredth; 1 itself counts in the last."""
    without_confidence: int
    """Footprints of which nobody said how sure they are; the histogram leaves them out."""
    view_area_km2: float
    """On the ellipsoid."""
    density_per_km2: float
    built_up_share: float
    """Total area over the area of the view."""


def view_statistics(snapshot: Snapshot, bounds_m: BoundsM, filters: FootprintFilters = NO_FILTER) -> ViewStatistics:
    """Return the statistics of (west, south, east, north) metres of EPSG:3857; west > east passes the antimeridian.

    Confidences are taken in steps of 0.0001, rounded down, and areas as 32-bit floats. Raises `ParameterInvalid`.
    """
    sums, bins = np.zeros(3), np.zeros(AREA_BINS + CONFIDENCE_BINS, np.int64)
    for box in centre_boxes(bounds_m):
        for segment in snapshot.segments:
            _count(segment.columns, snapshot.row_test(segment, filters), box, sums, bins)
    count, view_km2 = int(sums[0]), bounds_area_km2(bounds_m)
    rated = int(bins[AREA_BINS:].sum())
    return ViewStatistics(
        count=count,
        total_area_m2=float(sums[1]),
        mean_area_m2=float(sums[1]) / count if count else math.nan,
        mean_confidence=float(sums[2]) / CONFIDENCE_STEPS / rated if rated else math.nan,
        area_histogram=bins[:AREA_BINS],
        area_edges_m2=area_edges_m2(),
        confidence_histogram=bins[AREA_BINS:],
        without_confidence=count - rated,
        view_area_km2=view_km2,
        density_per_km2=count / view_km2,
        built_up_share=float(sums[1]) / (view_km2 * 1e6),
    )


def centre_boxes(bounds_m: BoundsM) -> list[Box]:
    """Return the view's boxes in the grid, one for each part of it between two antimeridians; none overlap."""
    left, top, right, bottom = grid_bounds(bounds_m)
    bottom = float(GRID_UNITS) if bottom >= GRID_UNITS - 1 else bottom
    if right - left >= GRID_UNITS:
        return [(0.0, top, float(GRID_UNITS), bottom)]
    turns = range(math.floor(left / GRID_UNITS), math.ceil(right / GRID_UNITS))
    boxes = ((left - turn * GRID_UNITS, right - turn * GRID_UNITS) for turn in turns)
    return [(max(low, 0.0), top, min(high, float(GRID_UNITS)), bottom) for low, high in boxes]


def _count(columns: Columns, test: RowTest, box: Box, sums: NDArray[np.float64], bins: NDArray[np.int64]) -> None:
    whole = not test.tests and not columns.dead.size
    counted = np.zeros(len(columns.super_centre), np.bool_)
    if whole:
        _add_superblocks(columns, box, counted, sums, bins)
    _add_rows(columns, test, (blocks_by_centre(columns, box), counted), box, sums, bins)


@compiled
def _add_superblocks(columns: Any, box: Any, counted: Any, sums: Any, bins: Any) -> None:
    """Take the sums of superblocks that lie inside as a whole."""
    for superblock in range(columns.super_centre.shape[0]):
        if not lies_within(columns.super_centre[superblock], box):
            continue
        counted[superblock] = True
        sums[0] += min(SUPERBLOCK, columns.x.size - superblock * SUPERBLOCK)
        sums[1] += columns.super_area_m2[superblock]
        sums[2] += columns.super_confidence[superblock]
        for place in range(AREA_BINS):
            bins[place] += columns.super_area_bins[superblock, place]
        for place in range(CONFIDENCE_BINS):
            bins[AREA_BINS + place] += columns.super_confidence_bins[superblock, place]


@compiled
def _add_rows(columns: Any, test: Any, blocks: Any, box: Any, sums: Any, bins: Any) -> None:
    bits = columns.area_m2.view(np.int32)
    all_pass = not test.tests and columns.dead.size == 0
    for block in blocks[0]:
        if blocks[1][block * BLOCK // SUPERBLOCK]:
            continue
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            continue
        inside = lies_within(columns.block_centre[block], box)
        for row in range(block * BLOCK, min((block + 1) * BLOCK, columns.x.size)):
            x, y = columns.x[row], columns.y[row]
            within = inside or (x >= box[0] and x < box[2] and y >= box[1] and y < box[3])
            if within and (all_pass or passes(columns, test, row)):
                sums[0] += 1
                sums[1] += columns.area_m2[row]
                bins[area_bin(bits[row])] += 1
                if columns.confidence[row] != NO_CONFIDENCE:
                    sums[2] += columns.confidence[row]
                    bins[AREA_BINS + confidence_bin(columns.confidence[row])] += 1


@compiled
def holds_centre(columns: Any, row: int, box: Any) -> Any:
    """Tell whether a row's centre lies in a box."""
    x, y = columns.x[row], columns.y[row]
    return x >= box[0] and x < box[2] and y >= box[1] and y < box[3]
