"""Merge segments into one, piece by piece in Morton order, without their dead rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.commits import SEGMENT, new_name, with_dead_rows
from processing.footprint_index.dead_rows import rows_of_ids
from processing.footprint_index.manifest import Manifest, SegmentEntry
from processing.footprint_index.morton_ranges import morton_ranges
from processing.footprint_index.rows import PackedRows, in_morton_order, join_rows, take_rows
from processing.footprint_index.segment_file import MOST_VERTICES, SegmentWriter, open_segment
from processing.footprint_index.snapshot import OpenSegment, Snapshot

PIECE_ROWS = 200_000
FEWEST_TO_MERGE = 4
LARGEST_SHARE = 3
"""A segment is merged with smaller ones when it has at most three times their rows: a row is copied O(log N) times."""
_MOST_DEAD_SHARE = 0.2


def choose_segments(segments: Sequence[OpenSegment], everything: bool) -> list[OpenSegment]:
    """Return the segments to merge now; none where the index is tidy."""
    by_size = sorted(segments, key=lambda segment: segment.entry.live)
    if everything:
        tidy = len(by_size) <= 1 and not any(segment.entry.dead for segment in by_size)
        return [] if tidy else _within_limits(by_size)
    chosen = 0
    for count in range(FEWEST_TO_MERGE, len(by_size) + 1):
        smaller = sum(segment.entry.live for segment in by_size[: count - 1])
        if by_size[count - 1].entry.live <= LARGEST_SHARE * smaller:
            chosen = count
    if chosen:
        return _within_limits(by_size[:chosen])
    return [segment for segment in by_size if segment.entry.dead > _MOST_DEAD_SHARE * segment.entry.rows][:1]


def _within_limits(by_size: list[OpenSegment]) -> list[OpenSegment]:
    total = np.cumsum([segment.entry.vertices for segment in by_size])
    fitting = by_size[: int(np.searchsorted(total, MOST_VERTICES, side="right"))]
    return fitting if len(fitting) > 1 or (fitting and fitting[0].entry.dead) else []


def merged_entry(folder: Path, chosen: Sequence[OpenSegment]) -> SegmentEntry | None:
    """Write the merged segment and return its entry; None where no row is alive."""
    row_count = sum(segment.entry.live for segment in chosen)
    if not row_count:
        return None
    vertex_count = sum(_live_vertices(segment) for segment in chosen)
    name, low, high = new_name(SEGMENT), [], []
    with SegmentWriter(folder / name, row_count, vertex_count) as writer:
        for piece in _pieces(chosen):
            writer.append(piece)
            low.append(int(piece.ids.min()))
            high.append(int(piece.ids.max()))
        writer.finish()
    return SegmentEntry(name, row_count, vertex_count, min(low), max(high))


def without_merged(folder: Path, now: Snapshot, chosen: Sequence[OpenSegment], merged: SegmentEntry | None) -> Manifest:
    """Return the manifest with one segment for the chosen ones; rows that died while it was written are dead in it."""
    was = {segment.entry.file: segment for segment in chosen}
    still = {segment.entry.file: segment for segment in now.segments}
    entries = [segment.entry for segment in now.segments if segment.entry.file not in was]
    if merged is not None:
        ids = np.concatenate([_died_since(segment, still.get(file)) for file, segment in was.items()])
        entries.append(_with_dead_ids(folder, merged, ids))
    live = tuple(entry for entry in entries if entry.live)
    return replace(now.manifest, generation=now.generation + 1, segments=live)


def _pieces(chosen: Sequence[OpenSegment]) -> Iterator[PackedRows]:
    for slices in morton_ranges([segment.columns for segment in chosen], PIECE_ROWS):
        parts = [_live_rows(segment, part) for segment, part in zip(chosen, slices, strict=True)]
        piece = join_rows(parts)
        if len(piece.x):
            yield in_morton_order(piece)


def _live_rows(segment: OpenSegment, part: slice) -> PackedRows:
    columns = segment.columns
    start = columns.vertex_start[part.start : part.stop + 1].astype(np.int64)
    flat = {name: getattr(columns, name)[part] for name in PackedRows._fields[:10]}
    rows = PackedRows(**flat, vertex_start=start - start[0], vertices=columns.vertices[start[0] : start[-1]])
    low, high = np.searchsorted(segment.dead_rows, (part.start, part.stop))
    if low == high:
        return rows
    return take_rows(rows, np.delete(np.arange(part.stop - part.start), segment.dead_rows[low:high] - part.start))


def _live_vertices(segment: OpenSegment) -> int:
    start, dead = segment.columns.vertex_start, segment.dead_rows.astype(np.int64)
    return segment.entry.vertices - int((start[dead + 1].astype(np.int64) - start[dead]).sum())


def _died_since(was: OpenSegment, now: OpenSegment | None) -> NDArray[np.int64]:
    """Return the ids of rows that were alive; `now` is None where all have died."""
    rows = np.arange(was.entry.rows) if now is None else now.dead_rows
    return was.columns.ids[np.setdiff1d(rows, was.dead_rows)]


def _with_dead_ids(folder: Path, entry: SegmentEntry, ids: NDArray[np.int64]) -> SegmentEntry:
    if not len(ids):
        return entry
    columns, _ = open_segment(folder / entry.file)
    return with_dead_rows(folder, entry, np.sort(rows_of_ids(columns, ids)).astype(np.uint32))
