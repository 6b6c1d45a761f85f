"""From a change to a new manifest: the files first, then the manifest that names them, then what it no longer names."""

import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.changes import Change
from processing.footprint_index.manifest import Manifest, SegmentEntry, commit_manifest, write_durably
from processing.footprint_index.rows import pack_rows
from processing.footprint_index.segment_file import SegmentWriter
from processing.footprint_index.snapshot import OpenSegment, Snapshot
from processing.footprint_index.sources import add_sources, write_sources

SEGMENT, DEAD, SOURCES = ".segment", ".dead", ".sources"


def new_name(suffix: str) -> str:
    """Return a file name that was never used: a reader may still have an old file of the same index."""
    return uuid.uuid4().hex + suffix


def with_change(folder: Path, before: Snapshot, change: Change, position: int | None) -> Manifest:
    """Write the files of a change and return the manifest that names them; the same manifest where nothing changes."""
    manifest = before.manifest
    if change.batch is None and not change.dead and position in (None, manifest.position):
        return manifest
    entries = [with_dead(folder, segment, change.dead.get(segment.entry.file)) for segment in before.segments]
    sources_file = manifest.sources_file
    if change.batch is not None:
        table, ordinals = add_sources(before.sources, change.batch)
        if table != before.sources:
            sources_file = new_name(SOURCES)
            write_sources(folder / sources_file, table)
        entries.append(_write_batch(folder, change.batch, ordinals))
    return Manifest(
        generation=manifest.generation + 1,
        position=manifest.position if position is None else int(position),
        checksum=change.checksum,
        segments=tuple(entry for entry in entries if entry.live),
        sources_file=sources_file,
    )


def with_dead(folder: Path, segment: OpenSegment, more: NDArray[np.uint32] | None) -> SegmentEntry:
    """Return the segment's entry with more dead rows."""
    if more is None or not len(more):
        return segment.entry
    dead = np.union1d(segment.dead_rows, more).astype(np.uint32)
    return with_dead_rows(folder, segment.entry, dead)


def with_dead_rows(folder: Path, entry: SegmentEntry, dead: NDArray[np.uint32]) -> SegmentEntry:
    """Return the entry with exactly these sorted dead rows, which are written to a file of their own."""
    if not len(dead):
        return entry
    name = new_name(DEAD)
    if len(dead) < entry.rows:  # A segment without a live row leaves the manifest.
        write_durably(folder / name, np.ascontiguousarray(dead, np.uint32).tobytes())
    return replace(entry, dead_file=name, dead=len(dead))


def _write_batch(folder: Path, batch: FootprintBatch, sources: NDArray[np.uint32]) -> SegmentEntry:
    rows = pack_rows(batch, sources)
    name = new_name(SEGMENT)
    with SegmentWriter(folder / name, len(rows.x), len(rows.vertices)) as writer:
        writer.append(rows)
        writer.finish()
    return SegmentEntry(name, len(rows.x), len(rows.vertices), int(rows.ids.min()), int(rows.ids.max()))


def committed(folder: Path, before: Manifest, after: Manifest) -> None:
    """Make `after` the current state and remove the files that only `before` named; mapped, they live on."""
    commit_manifest(folder, after)
    for name in before.files - after.files:
        (folder / name).unlink(missing_ok=True)


def sweep(folder: Path, manifest: Manifest) -> None:
    """Remove segments and tables that the manifest does not name. The caller holds both locks."""
    for path in folder.iterdir():
        if path.suffix in (SEGMENT, DEAD, SOURCES) and path.name not in manifest.files:
            path.unlink(missing_ok=True)
