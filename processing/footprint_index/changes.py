"""What a batch changes: which of its rows are new, and which rows of the index they hide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.checksums import Checksum, checksum_of
from processing.footprint_index.snapshot import OpenSegment, Snapshot, live_rows_of_ids


@dataclass(frozen=True)
class Change:
    """What to write: the rows of the batch that count (None for none), and newly dead rows by the segment's file."""

    batch: FootprintBatch | None
    dead: dict[str, NDArray[np.uint32]]
    checksum: Checksum
    """Of the whole index after the change."""


def plan_change(snapshot: Snapshot, batch: FootprintBatch | None, deleted: NDArray[np.int64]) -> Change:
    """Compare a batch and deletions with what the index holds; what it already holds drops out."""
    checksum, dead = snapshot.checksum, dict[str, NDArray[np.uint32]]()
    if batch is not None:
        batch = _newest(batch, deleted)
    for segment in snapshot.segments:
        rows = live_rows_of_ids(segment, deleted)
        if batch is not None:
            known = live_rows_of_ids(segment, batch.ids)
            held = known >= 0
            newer = np.zeros(len(batch), bool)
            newer[held] = np.asarray(batch.versions)[held] > segment.columns.versions[known[held]]
            rows = np.concatenate((rows, known[newer]))
            batch = batch.take(newer | ~held) if held.any() else batch
        gone = np.unique(rows[rows >= 0]).astype(np.uint32)
        if len(gone):
            dead[segment.entry.file] = gone
            checksum -= _checksum(segment, gone)
    if batch is None or not len(batch):
        return Change(None, dead, checksum)
    return Change(batch, dead, checksum + checksum_of(batch.ids, batch.versions))


def _newest(batch: FootprintBatch, deleted: NDArray[np.int64]) -> FootprintBatch:
    """Return the greatest version of each id, without those deleted in the same change."""
    ids = np.asarray(batch.ids, np.int64)
    order = np.lexsort((np.asarray(batch.versions), ids))
    last = np.append(ids[order][1:] != ids[order][:-1], True)
    keep = np.zeros(len(ids), bool)
    keep[order[last[: len(order)]]] = True
    if len(deleted):
        keep &= ~np.isin(ids, deleted)
    return batch if keep.all() else batch.take(keep)


def _checksum(segment: OpenSegment, rows: NDArray[np.uint32]) -> Checksum:
    return checksum_of(segment.columns.ids[rows], segment.columns.versions[rows])
