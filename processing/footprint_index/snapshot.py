"""One committed state of the index, opened: what all reading starts from. It stays valid while the index goes on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.cells import build_cells
from processing.footprint_index.checksums import Checksum, checksum_of
from processing.footprint_index.columns import HIGHEST_FILTERED_LEVEL, Cells, Columns
from processing.footprint_index.dead_rows import rows_of_ids
from processing.footprint_index.filters import FootprintFilters, RowTest, row_test
from processing.footprint_index.manifest import Manifest, SegmentEntry
from processing.footprint_index.passing import ALL_PASS, empty_passing, learn
from processing.footprint_index.segment_cache import SegmentCache

Source = tuple[str, str]


@dataclass(frozen=True)
class OpenSegment:
    """A mapped segment. `columns.dead` hides rows; `dead_cells` take them away from `cells`."""

    entry: SegmentEntry
    columns: Columns
    cells: Cells
    dead_rows: NDArray[np.uint32]
    dead_cells: Cells | None

    @property
    def key(self) -> tuple[str, str | None]:
        """Names its content for good: files never change."""
        return self.entry.file, self.entry.dead_file


@dataclass(frozen=True)
class Snapshot:
    """An opened state. Safe to use from many threads."""

    manifest: Manifest
    segments: tuple[OpenSegment, ...]
    sources: tuple[Source, ...]
    """(job, scene) of each source ordinal."""
    cache: SegmentCache = field(repr=False)

    @property
    def generation(self) -> int:
        """A number that grows with each commit: part of an ETag."""
        return self.manifest.generation

    @property
    def position(self) -> int:
        """How far in its feed the feeder had come."""
        return self.manifest.position

    @property
    def checksum(self) -> Checksum:
        """The sum over (id, version) of all footprints, as kept with each commit."""
        return self.manifest.checksum

    @cached_property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that ever fed the index, in the order in which they came."""
        return tuple(dict.fromkeys(job for job, _ in self.sources))

    @cached_property
    def job_of_source(self) -> NDArray[np.int64]:
        """The position in `jobs` of each source ordinal."""
        place = {job: position for position, job in enumerate(self.jobs)}
        return np.array([place[job] for job, _ in self.sources], np.int64)

    def row_test(self, segment: "OpenSegment", filters: FootprintFilters) -> RowTest:
        """Return the filters as a test for the rows of a segment."""
        return self.cache.get(
            ("test", segment.entry.file, filters), lambda: row_test(filters, self.sources, segment.columns)
        )

    def passing(
        self, segment: "OpenSegment", filters: FootprintFilters, blocks: NDArray[np.int32]
    ) -> NDArray[np.uint8]:
        """Return a bit for each row of a segment, right for these blocks; none where all rows pass."""
        if filters.is_open and not segment.columns.dead.size:
            return ALL_PASS
        kept = self.cache.get(("passing", segment.key, filters), lambda: empty_passing(segment.columns))
        learn(kept, segment.columns, self.row_test(segment, filters), blocks)
        return kept.bits

    def cells(self, segment: "OpenSegment", filters: FootprintFilters) -> tuple[Cells, ...]:
        """Return cells that add up to the footprints of a segment that pass; filtered ones up to their own level."""
        if filters.is_open:
            return (segment.cells,) if segment.dead_cells is None else (segment.cells, segment.dead_cells)
        bits = self.passing(segment, filters, np.arange(len(segment.columns.block_centre), dtype=np.int32))
        return (
            self.cache.get(
                ("cells", segment.key, filters),
                lambda: build_cells(segment.columns, bits, highest=HIGHEST_FILTERED_LEVEL),
            ),
        )

    def __len__(self) -> int:
        """Return how many footprints there are."""
        return self.manifest.checksum.count

    def recount(self) -> Checksum:
        """Return the checksum anew from the columns, which reads all ids and versions."""
        total = Checksum()
        for segment in self.segments:
            total += checksum_of(segment.columns.ids, segment.columns.versions)
            total -= checksum_of(segment.columns.ids[segment.dead_rows], segment.columns.versions[segment.dead_rows])
        return total

    def versions_of(self, ids: NDArray[np.int64]) -> Mapping[int, int]:
        """Return the version of each of the ids that the index holds."""
        found: dict[int, int] = {}
        for segment in self.segments:
            rows = live_rows_of_ids(segment, ids)
            held = rows >= 0
            found.update(zip(ids[held].tolist(), segment.columns.versions[rows[held]].tolist(), strict=True))
        return found


def live_rows_of_ids(segment: OpenSegment, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (N,) the row of each id, -1 where the segment has none that is alive."""
    ids = np.asarray(ids, np.int64)
    rows = np.full(len(ids), -1, np.int64)
    near = np.flatnonzero((ids >= segment.entry.min_id) & (ids <= segment.entry.max_id))
    if len(near):
        rows[near] = rows_of_ids(segment.columns, ids[near])
        rows[np.isin(rows, segment.dead_rows)] = -1
    return rows
