"""From a manifest to mapped segments; what the previous snapshot had open is used again."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.cells import build_cells, negative
from processing.footprint_index.dead_rows import dead_bits
from processing.footprint_index.manifest import Manifest, SegmentEntry
from processing.footprint_index.passing import ALL_PASS
from processing.footprint_index.segment_cache import SegmentCache
from processing.footprint_index.segment_file import open_segment
from processing.footprint_index.snapshot import OpenSegment, Snapshot
from processing.footprint_index.sources import read_sources


def open_snapshot(folder: Path, manifest: Manifest, previous: Snapshot | None, cache: SegmentCache) -> Snapshot:
    """Open a committed state. Raises `FileNotFoundError` where a later commit has replaced it meanwhile."""
    known = {segment.entry.file: segment for segment in previous.segments} if previous else {}
    segments = tuple(_opened(folder, entry, known.get(entry.file)) for entry in manifest.segments)
    same_sources = previous is not None and previous.manifest.sources_file == manifest.sources_file
    sources = previous.sources if previous and same_sources else read_sources(folder, manifest.sources_file)
    return Snapshot(manifest, segments, sources, cache)


def _opened(folder: Path, entry: SegmentEntry, known: OpenSegment | None) -> OpenSegment:
    if known is not None and known.entry.dead_file == entry.dead_file:
        return known
    columns, cells = (known.columns, known.cells) if known else open_segment(folder / entry.file)
    dead_rows = read_dead_rows(folder, entry)
    columns = columns._replace(dead=dead_bits(dead_rows, entry.rows))
    dead_cells = None
    if len(dead_rows):
        dead_cells = negative(build_cells(columns, ALL_PASS, dead_rows))
    return OpenSegment(entry, columns, cells, dead_rows, dead_cells)


def read_dead_rows(folder: Path, entry: SegmentEntry) -> NDArray[np.uint32]:
    """Return the sorted numbers of the segment's dead rows."""
    if entry.dead_file is None:
        return np.zeros(0, np.uint32)
    return np.fromfile(folder / entry.dead_file, np.uint32)
