"""Single footprints of the index: the ids in a view, for exports, and the one under a point."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.blocks import Box, blocks_by_shape, meets
from processing.footprint_index.columns import (
    BLOCK,
    CONFIDENCE_STEPS,
    NO_CONFIDENCE,
    RING_END,
    SMALLEST_SCALE,
    STEP_UNITS,
)
from processing.footprint_index.compiling import compiled, read_only
from processing.footprint_index.filters import NO_FILTER, FootprintFilters, passes
from processing.footprint_index.grid import GRID_UNITS, BoundsM, grid_x, grid_y
from processing.footprint_index.morton import morton_codes
from processing.footprint_index.morton_ranges import morton_ranges
from processing.footprint_index.region import OUTSIDE
from processing.footprint_index.snapshot import OpenSegment, Snapshot
from processing.footprint_index.statistics import centre_boxes, holds_centre

CHUNK_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class IndexedFootprint:
    """What the index knows of one footprint, besides its shape."""

    id: int
    version: int
    area_m2: float
    confidence: float
    """In steps of 0.0001, rounded down; NaN where there is none."""
    job: str
    scene: str
    created_s: int
    review: int


def view_ids(
    snapshot: Snapshot, bounds_m: BoundsM, filters: FootprintFilters = NO_FILTER, chunk_rows: int = CHUNK_ROWS
) -> Iterator[NDArray[np.int64]]:
    """Yield the ids of a view, each once, in Morton order of the centres, in chunks of at most about `chunk_rows`.

    A footprint belongs to the view by the rule of `statistics`. Raises `ParameterInvalid` for empty bounds.
    """
    boxes = centre_boxes(bounds_m)
    segments = snapshot.segments
    for slices in morton_ranges([segment.columns for segment in segments], chunk_rows):
        found = [
            _ids_in(snapshot, segment, part, boxes, filters)
            for segment, part in zip(segments, slices, strict=True)
            if part.start < part.stop
        ]
        ids, codes = (np.concatenate(parts) for parts in zip(*found, strict=True))
        if len(ids):
            yield ids[np.argsort(codes, kind="stable")]


def _ids_in(
    snapshot: Snapshot, segment: OpenSegment, part: slice, boxes: list[Box], filters: FootprintFilters
) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    columns, test = segment.columns, snapshot.row_test(segment, filters)
    chosen = np.zeros(part.stop - part.start, np.bool_)
    for box in boxes:
        _choose(columns, test, part.start, box, chosen)
    rows = part.start + np.flatnonzero(chosen)
    return columns.ids[rows], morton_codes(read_only(columns.x[rows]), read_only(columns.y[rows]))


@compiled
def _choose(columns: Any, test: Any, first: int, box: Any, chosen: Any) -> None:
    block, last = first // BLOCK, (first + chosen.size - 1) // BLOCK
    for block in range(first // BLOCK, last + 1):
        if not meets(columns.block_centre[block], box):
            continue
        for row in range(max(first, block * BLOCK), min((block + 1) * BLOCK, first + chosen.size)):
            if holds_centre(columns, row, box) and passes(columns, test, row):
                chosen[row - first] = True


def footprint_at(
    snapshot: Snapshot, x_m: float, y_m: float, filters: FootprintFilters = NO_FILTER
) -> IndexedFootprint | None:
    """Return the footprint that covers a point in metres of EPSG:3857; of several the one with the least area."""
    x, y = grid_x(x_m) % GRID_UNITS, grid_y(y_m)
    best: tuple[OpenSegment, int] | None = None
    for segment in snapshot.segments:
        row = _row_at(snapshot, segment, (x, y), filters)
        if row >= 0 and (best is None or segment.columns.area_m2[row] < best[0].columns.area_m2[best[1]]):
            best = segment, row
    return None if best is None else _described(snapshot, *best)


def _row_at(snapshot: Snapshot, segment: OpenSegment, point: tuple[float, float], filters: FootprintFilters) -> int:
    best, columns = -1, segment.columns
    for turn in (-1, 0, 1):
        x, y = point[0] + turn * GRID_UNITS, point[1]
        blocks = blocks_by_shape(columns, (x, y, np.nextafter(x, np.inf), np.nextafter(y, np.inf)))
        row = _covering(columns, snapshot.row_test(segment, filters), blocks, x, y) if len(blocks) else -1
        if row >= 0 and (best < 0 or columns.area_m2[row] < columns.area_m2[best]):
            best = row
    return best


def _described(snapshot: Snapshot, segment: OpenSegment, row: int) -> IndexedFootprint:
    columns = segment.columns
    job, scene = snapshot.sources[columns.sources[row]]
    return IndexedFootprint(
        id=int(columns.ids[row]), version=int(columns.versions[row]), area_m2=float(columns.area_m2[row]),
        confidence=_confidence(int(columns.confidence[row])), job=job, scene=scene,
        created_s=int(columns.created_s[row]), review=int(columns.review[row]),
    )  # fmt: skip


def _confidence(steps: int) -> float:
    return math.nan if steps == NO_CONFIDENCE else steps / CONFIDENCE_STEPS


@compiled
def _covering(columns: Any, test: Any, blocks: Any, x: float, y: float) -> int:
    best = -1
    for block in blocks:
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            continue
        for row in range(block * BLOCK, min((block + 1) * BLOCK, columns.x.size)):
            step = STEP_UNITS[columns.scale[row] - SMALLEST_SCALE]
            across, down = (x - columns.x[row]) / step, (y - columns.y[row]) / step
            if abs(across) > 32768 or abs(down) > 32768 or not passes(columns, test, row):
                continue
            if best >= 0 and columns.area_m2[row] >= columns.area_m2[best]:
                continue
            if covers(columns.vertices[columns.vertex_start[row] : columns.vertex_start[row + 1]], across, down):
                best = row
    return best


@compiled
def covers(vertices: Any, x: float, y: float) -> bool:
    """Tell whether a point lies in a shape, both in the shape's own steps; holes do not belong to it."""
    inside = False
    first = 0
    for at in range(vertices.shape[0] + 1):
        if at < vertices.shape[0] and vertices[at, 0] != RING_END:
            continue
        before = at - 1
        for now in range(first, at):
            y0, y1 = np.float64(vertices[before, 1]), np.float64(vertices[now, 1])
            if (y0 > y) != (y1 > y):
                x0, x1 = np.float64(vertices[before, 0]), np.float64(vertices[now, 0])
                if x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                    inside = not inside
            before = now
        first = at + 1
    return inside
