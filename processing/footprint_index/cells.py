"""Cells: footprints summed up in the pixels of low zooms, from rows in Morton order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.columns import (
    CELL_COLUMNS,
    GRID_BITS,
    HIGHEST_LEVEL,
    LOWEST_LEVEL,
    NO_CONFIDENCE,
    Cells,
    Columns,
)
from processing.footprint_index.compiling import compiled, read_only
from processing.footprint_index.morton import morton
from processing.footprint_index.passing import is_set


def build_cells(
    columns: Columns, bits: NDArray[np.uint8], rows: NDArray[np.uint32] | None = None, highest: int = HIGHEST_LEVEL
) -> Cells:
    """Return the cells up to a level of all rows whose bit is set, or of the chosen sorted `rows`, dead or alive."""
    size = len(columns.x) if rows is None else len(rows)
    level = _empty_level(size)
    chosen = read_only(np.zeros(0, np.uint32) if rows is None else rows)
    shift = 2 * (GRID_BITS - highest)
    used = _finest(columns, bits, (chosen, rows is not None), shift, level)
    level = tuple(column[:used].copy() for column in level)
    levels = [level]
    for _ in range(LOWEST_LEVEL, highest):
        coarser = _empty_level(len(level[0]))
        used = _coarser(level, coarser)
        level = tuple(column[:used].copy() for column in coarser)
        levels.append(level)
    return _joined(levels[::-1])


def negative(cells: Cells) -> Cells:
    """Return cells that take away what the given ones add."""
    sums = {name: read_only(-getattr(cells, name)) for name in ("counts", "area_m2", "confidence", "rated")}
    return cells._replace(**sums)


def size_bytes(cells: Cells) -> int:
    """Return the memory that cells take."""
    return sum(column.nbytes for column in cells)


def _empty_level(size: int) -> tuple[NDArray[Any], ...]:
    """Room for the columns of a level, and for the votes of the two that name the most frequent value."""
    kinds = (*CELL_COLUMNS.values(), np.int32, np.int32)
    return tuple(np.empty(size, kind) for kind in kinds)


def _joined(levels: list[tuple[NDArray[Any], ...]]) -> Cells:
    start = np.zeros(HIGHEST_LEVEL + 2, np.int64)
    ends = np.cumsum([len(level[0]) for level in levels])
    start[LOWEST_LEVEL + 1 :] = ends[-1]
    start[LOWEST_LEVEL + 1 : LOWEST_LEVEL + 1 + len(ends)] = ends
    columns = (np.concatenate(parts) for parts in zip(*levels, strict=True))
    named = dict(zip(CELL_COLUMNS, columns, strict=False))
    return Cells(start=read_only(start), **{name: read_only(column) for name, column in named.items()})


@compiled
def _finest(columns: Any, bits: Any, choice: Any, shift_bits: int, level: Any) -> Any:
    keys, count, area_m2, confidence, rated, sources, review, source_votes, review_votes = level
    chosen, is_chosen = choice
    shift, across = np.uint64(shift_bits), np.uint32(shift_bits // 2)
    last_x = last_y = np.uint32(0)
    cell = -1
    for at in range(chosen.size if is_chosen else columns.x.size):
        row: Any = np.int64(chosen[at]) if is_chosen else at
        if bits.size > 0 and not is_chosen and is_set(bits, row) == 0:
            continue
        x, y = columns.x[row] >> across, columns.y[row] >> across
        if cell < 0 or x != last_x or y != last_y:
            cell += 1
            last_x, last_y = x, y
            keys[cell] = morton(columns.x[row], columns.y[row]) >> shift
            count[cell] = rated[cell] = 0
            area_m2[cell] = confidence[cell] = 0
            source_votes[cell] = review_votes[cell] = 0
        count[cell] += 1
        area_m2[cell] += columns.area_m2[row]
        if columns.confidence[row] != NO_CONFIDENCE:
            confidence[cell] += columns.confidence[row]
            rated[cell] += 1
        vote(sources, source_votes, cell, columns.sources[row], 1)
        vote(review, review_votes, cell, columns.review[row], 1)
    return cell + 1


@compiled
def _coarser(finer: Any, level: Any) -> int:
    keys, count, area_m2, confidence, rated, sources, review, source_votes, review_votes = level
    cell = -1
    for child in range(finer[0].size):
        key = finer[0][child] >> np.uint64(2)
        if cell < 0 or keys[cell] != key:
            cell += 1
            keys[cell] = key
            count[cell] = rated[cell] = 0
            area_m2[cell] = confidence[cell] = 0
            source_votes[cell] = review_votes[cell] = 0
        count[cell] += finer[1][child]
        area_m2[cell] += finer[2][child]
        confidence[cell] += finer[3][child]
        rated[cell] += finer[4][child]
        vote(sources, source_votes, cell, finer[5][child], finer[7][child])
        vote(review, review_votes, cell, finer[6][child], finer[8][child])
    return cell + 1


@compiled
def vote(winner: Any, votes: Any, at: int, value: Any, weight: int) -> None:
    """Count votes so that a value with the majority wins (R. S. Boyer and J S. Moore, MJRTY, 1991)."""
    if votes[at] == 0 or winner[at] == value:
        winner[at] = value
        votes[at] += weight
    elif weight > votes[at]:
        winner[at] = value
        votes[at] = weight - votes[at]
    else:
        votes[at] -= weight
