"""The footprint index: one folder with the footprints of one owner, for maps, counts and exports.

One process at a time writes, any number read. A commit is durable when `apply` returns; a process that is killed leaves
the last commit, and the next writer sweeps away what it had begun. What the service needs besides:
`batch.FootprintBatch`, `filters.FootprintFilters`, `statistics.view_statistics`, `selection`, `render`, `checksums`.
"""

import threading
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from processing.errors import FootprintIndexDamaged
from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.changes import plan_change
from processing.footprint_index.commits import committed, sweep, with_change
from processing.footprint_index.compaction import choose_segments, merged_entry, without_merged
from processing.footprint_index.locking import COMPACTION, WRITER, locked, try_locked
from processing.footprint_index.manifest import FILE_NAME, Manifest, read_manifest
from processing.footprint_index.opening import open_snapshot
from processing.footprint_index.segment_cache import SegmentCache
from processing.footprint_index.snapshot import Snapshot

CACHE_BYTES = 64 * 2**20
_ATTEMPTS = 20


class FootprintIndex:
    """An index in a folder, which is made if it is not there. Safe to use from many threads and processes."""

    def __init__(self, folder: Path, *, cache_bytes: int = CACHE_BYTES) -> None:
        self._folder = folder
        self._cache = SegmentCache(cache_bytes)
        self._lock = threading.Lock()
        self._stamp: tuple[int, ...] | None = None
        self._snapshot: Snapshot | None = None
        self._swept = False
        folder.mkdir(parents=True, exist_ok=True)

    def snapshot(self) -> Snapshot:
        """Return the last committed state; costs one look at the manifest where nothing has changed.

        Raises `FootprintIndexDamaged` where files are missing or not whole: then delete the folder and feed it anew.
        """
        with self._lock:
            stamp = self._manifest_stamp()
            if self._snapshot is None or stamp != self._stamp:
                self._snapshot = self._opened()
                self._stamp = stamp
            return self._snapshot

    def apply(
        self, batch: FootprintBatch | None = None, deleted: ArrayLike = (), position: int | None = None
    ) -> Snapshot:
        """Add footprints, let newer versions replace older ones, delete, and keep the feeder's position: in one commit.

        What is known already (same id, same or older version) changes nothing, so that a feed may be repeated; an id
        both in the batch and deleted is deleted. Waits for another writer. Returns the new state, which is on
        disk by then.
        Raises `OSError` where it cannot be written; the last commit then stands.
        """
        gone = np.unique(np.asarray(deleted, np.int64).reshape(-1))
        with locked(self._folder / WRITER):
            self._sweep_once()
            before = self.snapshot()
            change = plan_change(before, batch if batch is not None and len(batch) else None, gone)
            manifest = with_change(self._folder, before, change, position)
            if manifest != before.manifest:
                committed(self._folder, before.manifest, manifest)
        return self.snapshot()

    def compact(self, *, everything: bool = False) -> bool:
        """Merge small segments, or all, and drop dead rows; readers and writers go on meanwhile.

        Returns whether there was something to do, so that one may call it until there is not; False, too, while another
        process compacts. Memory is bounded by a few hundred thousand rows, besides 16 bytes a row to sort the ids.
        """
        with try_locked(self._folder / COMPACTION) as free:
            if not free:
                return False
            before = self.snapshot()
            chosen = choose_segments(before.segments, everything)
            if not chosen:
                return False
            entry = merged_entry(self._folder, chosen)
            with locked(self._folder / WRITER):
                now = self.snapshot()
                manifest = without_merged(self._folder, now, chosen, entry)
                committed(self._folder, now.manifest, manifest)
                sweep(self._folder, manifest)
        return True

    def _sweep_once(self) -> None:
        """Remove what a killed writer left; only where no compaction is writing a file that no manifest names yet."""
        if self._swept:
            return
        with try_locked(self._folder / COMPACTION) as free:
            if free:
                sweep(self._folder, read_manifest(self._folder))
                self._swept = True

    def _manifest_stamp(self) -> tuple[int, ...] | None:
        try:
            stat = (self._folder / FILE_NAME).stat()
        except FileNotFoundError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _opened(self) -> Snapshot:
        """Open the current state; a writer may replace it between reading the manifest and opening its files."""
        tried: Manifest | None = None
        for _ in range(_ATTEMPTS):
            manifest = read_manifest(self._folder)
            try:
                return open_snapshot(self._folder, manifest, self._snapshot, self._cache)
            except FileNotFoundError as error:
                if manifest == tried:
                    raise FootprintIndexDamaged(name=Path(error.filename).name, detail="it is missing") from error
                tried = manifest
        raise FootprintIndexDamaged(name=FILE_NAME, detail="it changes faster than it can be read")
