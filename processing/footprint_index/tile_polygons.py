"""The footprints of a vector tile as features, each with its own values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.blocks import blocks_by_shape
from processing.footprint_index.columns import BLOCK, NO_CONFIDENCE, RING_END, SMALLEST_SCALE, STEP_UNITS
from processing.footprint_index.compiling import compiled
from processing.footprint_index.filters import FootprintFilters, passes
from processing.footprint_index.grid import GRID_UNITS, GridWindow
from processing.footprint_index.mvt_values import TEN_THOUSANDTHS, TENTHS, new_values, number_of, written
from processing.footprint_index.mvt_writing import FEATURE_BYTES, POINT_BYTES, POLYGON, layer, put_feature
from processing.footprint_index.region import OUTSIDE
from processing.footprint_index.snapshot import OpenSegment, Snapshot
from processing.footprint_index.tile_shapes import BUFFER, HIGH, LOW, put_shape

KEYS = ("area_m2", "job", "review", "confidence")
_CUT_GROWTH, _FEW_POINTS = 6, 16
"""A shape cut at four sides has at most 1.5^4 times as many points, and the two of a sliver."""


@dataclass(frozen=True)
class _Chosen:
    """Rows of a segment that are in the tile, moved by so many units to get there."""

    segment: OpenSegment
    frame: tuple[float, float, float]
    rows: NDArray[np.int32]
    cut: NDArray[np.bool_]
    most_bytes: NDArray[np.int64]
    """(2,): of all features, and of the largest geometry."""


class _Seen(NamedTuple):
    """Which source ordinals and states of review the chosen rows have."""

    sources: NDArray[np.bool_]
    review: NDArray[np.bool_]


class _Texts(NamedTuple):
    """Numbers of the values that are texts, by source ordinal and by state of review."""

    jobs: NDArray[np.int64]
    review: NDArray[np.int64]


def polygon_layer(
    snapshot: Snapshot, window: GridWindow, filters: FootprintFilters, review_names: Mapping[int, str], name: str
) -> bytes:
    """Return a tile with the footprints that meet the window with its buffer; none: no bytes.

    window: of a tile with `EXTENT` pixels a side. review_names: what to call each state of review.
    """
    seen = _Seen(np.zeros(len(snapshot.sources), np.bool_), np.zeros(256, np.bool_))
    chosen = [part for segment in snapshot.segments for part in _choose(snapshot, segment, window, filters, seen)]
    if not chosen:
        return b""
    texts, names = _texts(snapshot, seen, review_names)
    values = new_values(2 * sum(len(part.rows) for part in chosen), names)
    out = np.empty(sum(int(part.most_bytes[0]) for part in chosen), np.uint8)
    geometry = np.empty(max(int(part.most_bytes[1]) for part in chosen), np.uint8)
    used = 0
    for part in chosen:
        used = _encode(part.segment.columns, (part.rows, part.cut, part.frame), (values, texts), geometry, out, used)
    return layer(name, KEYS, (memoryview(out)[:used], written(values))) if used else b""


def _choose(
    snapshot: Snapshot, segment: OpenSegment, window: GridWindow, filters: FootprintFilters, seen: _Seen
) -> list[_Chosen]:
    """Return the rows in the tile; more than one part only where the antimeridian is near."""
    found = []
    test, margin = snapshot.row_test(segment, filters), BUFFER * window.units_per_px_x
    for turn in range(window.turns.start - 1, window.turns.stop + 1):
        shift = turn * GRID_UNITS
        box = (window.left - shift - margin, window.top - margin, window.right - shift + margin, window.bottom + margin)
        blocks = blocks_by_shape(segment.columns, box)
        if not len(blocks):
            continue
        frame = (window.left - shift, window.top, 1 / window.units_per_px_x)
        rows, cut = np.empty(len(blocks) * BLOCK, np.int32), np.empty(len(blocks) * BLOCK, np.bool_)
        most_bytes = np.zeros(2, np.int64)
        count = _select(segment.columns, test, blocks, frame, (rows, cut, seen, most_bytes))
        if count:
            found.append(_Chosen(segment, frame, rows[:count], cut[:count], most_bytes))
    return found


def _texts(snapshot: Snapshot, seen: _Seen, review_names: Mapping[int, str]) -> tuple[_Texts, list[str]]:
    """Return the numbers of the texts that occur, and the texts."""
    sources, states = np.flatnonzero(seen.sources), np.flatnonzero(seen.review)
    jobs, job_of_seen = np.unique(snapshot.job_of_source[sources], return_inverse=True)
    texts = _Texts(np.zeros(len(seen.sources), np.int64), np.zeros(256, np.int64))
    texts.jobs[sources] = job_of_seen
    texts.review[states] = len(jobs) + np.arange(len(states))
    names = [snapshot.jobs[job] for job in jobs.tolist()]
    return texts, names + [review_names.get(state, str(state)) for state in states.tolist()]


@compiled
def _select(columns: Any, test: Any, blocks: Any, frame: Any, into: Any) -> Any:
    left, top, per_unit = frame
    rows, cut, seen, most_bytes = into
    all_pass = not test.tests and columns.dead.size == 0
    count = 0
    for block in blocks:
        if test.block_class.size > 0 and test.block_class[block] == OUTSIDE:
            continue
        for row in range(block * BLOCK, min((block + 1) * BLOCK, columns.x.size)):
            step = STEP_UNITS[columns.scale[row] - SMALLEST_SCALE] * per_unit
            x, y = (columns.x[row] - left) * per_unit, (columns.y[row] - top) * per_unit
            reach = 32768 * step
            if x + reach < LOW or x - reach > HIGH or y + reach < LOW or y - reach > HIGH:
                continue
            first, last = np.int64(columns.vertex_start[row]), np.int64(columns.vertex_start[row + 1])
            whole = x - reach >= LOW and x + reach <= HIGH and y - reach >= LOW and y + reach <= HIGH
            meets, whole = (True, True) if whole else _how_it_lies(columns.vertices[first:last], (x, y, step))
            if not meets or not (all_pass or passes(columns, test, row)):
                continue
            rows[count], cut[count] = row, not whole
            seen.sources[columns.sources[row]] = seen.review[columns.review[row]] = True
            count += 1
            points = last - first + _FEW_POINTS
            geometry = POINT_BYTES * (points if whole else _CUT_GROWTH * points)
            most_bytes[0] += FEATURE_BYTES + geometry
            most_bytes[1] = max(most_bytes[1], geometry)
    return count


@compiled
def _how_it_lies(shape: Any, place: Any) -> Any:
    """Tell whether the box of a shape meets the tile with its buffer, and whether it lies within."""
    left, top, right, bottom = 32767, 32767, -32767, -32767
    for at in range(shape.shape[0]):
        if shape[at, 0] != RING_END:
            left, right = min(left, shape[at, 0]), max(right, shape[at, 0])
            top, bottom = min(top, shape[at, 1]), max(bottom, shape[at, 1])
    x, y, step = place
    west, north, east, south = x + left * step, y + top * step, x + right * step, y + bottom * step
    meets = west <= HIGH and east >= LOW and north <= HIGH and south >= LOW
    return meets, west >= LOW and east <= HIGH and north >= LOW and south <= HIGH


@compiled
def _encode(columns: Any, chosen: Any, known: Any, geometry: Any, out: Any, used: Any) -> Any:
    rows, cut, frame = chosen
    values, texts = known
    left, top, per_unit = frame
    tags, room = np.empty(8, np.int64), (np.empty(2, np.int64), np.empty((geometry.size // POINT_BYTES, 2), np.int64))
    for key in range(4):
        tags[2 * key] = key
    for index in range(rows.size):
        row = rows[index]
        step = STEP_UNITS[columns.scale[row] - SMALLEST_SCALE] * per_unit
        place = ((columns.x[row] - left) * per_unit, (columns.y[row] - top) * per_unit, step)
        shape = columns.vertices[columns.vertex_start[row] : columns.vertex_start[row + 1]]
        size = put_shape(geometry, shape, place, cut[index], room)
        if size == 0:
            continue
        tags[1] = number_of(values, TENTHS, np.int64(np.rint(np.float64(columns.area_m2[row]) * 10)))
        tags[3] = texts.jobs[columns.sources[row]]
        tags[5] = texts.review[columns.review[row]]
        stated = 8
        if columns.confidence[row] == NO_CONFIDENCE:
            stated = 6
        else:
            tags[7] = number_of(values, TEN_THOUSANDTHS, columns.confidence[row])
        used = put_feature(out, used, (POLYGON, columns.ids[row]), tags[:stated], geometry[:size])
    return used
