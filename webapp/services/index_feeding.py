"""Feeds the footprint indexes from the database: by its change feed, or from all footprints where that is too old.

The database is the truth; an index may be deleted at any time. Its `position` is one more than the last change in it,
and 0 until it has been built once. Feeding a change again changes nothing.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
import structlog
from numpy.typing import NDArray

from auth.principals import SYSTEM
from models.footprint_change import ChangeKind, FootprintChange
from models.queries import footprint_feed as feed
from processing.errors import FootprintIndexDamaged
from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.checksums import Checksum, checksum_of
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.manifest import FILE_NAME as MANIFEST
from webapp.resources import Resources
from webapp.services.footprint_index import REVIEW_CODES, Audience, index_folder, open_index

ROWS_AT_ONCE = 50_000
CHANGES_AT_ONCE = 200
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class IndexCheck:
    """An index against the database."""

    audience: Audience
    indexed: Checksum
    stored: Checksum

    @property
    def agrees(self) -> bool:
        """Tell whether both hold the same footprints in the same versions."""
        return self.indexed == self.stored


def audiences(resources: Resources) -> list[Audience]:
    """Return for whom there is, or should be, an index."""
    with resources.database.read(SYSTEM) as session:
        return [None, *feed.people_with_own_view(session)]


def feed_indexes(resources: Resources, chosen: Iterable[Audience] | None = None) -> list[Audience]:
    """Bring indexes up to the database, all unless some are chosen; return whose changed."""
    due = audiences(resources) if chosen is None else chosen
    return [audience for audience in due if feed_index(resources, audience)]


def is_built(resources: Resources, audience: Audience) -> bool:
    """Tell whether there is an index at all; costs one look at a file's name."""
    return (index_folder(resources, audience) / MANIFEST).exists()


def feed_index(resources: Resources, audience: Audience) -> bool:
    """Bring one index up to the database; return whether it changed."""
    index = _sound_index(resources, audience)
    done = index.snapshot().position - 1
    with resources.database.read(SYSTEM) as session:
        ends = feed.feed_ends(session, audience)
    if done < 0 or done < ends.floor:
        rebuild_index(resources, audience)
        return True
    before = done
    while done < ends.newest:
        with resources.database.read(SYSTEM) as session:
            changes = _few_enough(feed.changes_after(session, audience, done, CHANGES_AT_ONCE))
            rows = feed.stored_by(session, _keys(changes))
        done = changes[-1].id
        removed = {change.job_id for change in changes if change.kind == ChangeKind.REMOVED}
        single = [change.footprint_id for change in changes if change.kind == ChangeKind.DELETED]
        gone = np.concatenate((_ids_of_jobs(index, removed), np.array(single, np.int64)))
        index.apply(_batch(rows), deleted=gone, position=done + 1)
    return done > before


def rebuild_index(resources: Resources, audience: Audience) -> None:
    """Fill an index from all footprints, whatever was in it. Maps show what there is meanwhile."""
    index = _sound_index(resources, audience)
    log.info("index_rebuild_begins", audience=audience)
    with resources.database.read(SYSTEM) as session:
        newest = feed.feed_ends(session, audience).newest
    seen = [np.zeros(0, np.int64)]
    for rows in _all_rows(resources, audience):
        batch = _batch(rows)
        index.apply(batch)
        seen.append(batch.ids)
    gone = np.setdiff1d(_live_ids(index), np.concatenate(seen))
    index.apply(deleted=gone, position=newest + 1)
    while index.compact():
        pass
    log.info("index_rebuild_ended", audience=audience, footprints=len(index.snapshot()))


def tidy_index(resources: Resources, audience: Audience) -> bool:
    """Merge small pieces of an index once; return whether there was something to merge."""
    return open_index(resources, audience).compact()


def check_index(resources: Resources, audience: Audience) -> IndexCheck:
    """Compare an index with the database, footprint by footprint; both are read in full."""
    stored, after_id = Checksum(), 0
    while True:
        with resources.database.read(SYSTEM) as session:
            rows = feed.versions_after(session, audience, after_id, ROWS_AT_ONCE)
        if rows:
            table = np.array([tuple(row) for row in rows], np.int64)
            stored += checksum_of(table[:, 0], table[:, 1].astype(np.int32))
            after_id = int(table[-1, 0])
        if len(rows) < ROWS_AT_ONCE:
            return IndexCheck(audience, open_index(resources, audience).snapshot().recount(), stored)


def _sound_index(resources: Resources, audience: Audience) -> FootprintIndex:
    """Return the index; one that is damaged is removed first."""
    index = open_index(resources, audience)
    try:
        index.snapshot()
    except FootprintIndexDamaged as error:
        log.warning("index_damaged", audience=audience, detail=str(error))
        shutil.rmtree(index_folder(resources, audience))
        index_folder(resources, audience).mkdir()
    return index


def _few_enough(changes: Sequence[FootprintChange]) -> Sequence[FootprintChange]:
    """Return the first changes that together stored about `ROWS_AT_ONCE` footprints, at least one."""
    total = np.cumsum([change.footprints for change in changes])
    return changes[: max(1, int(np.searchsorted(total, ROWS_AT_ONCE, side="right")))]


def _keys(changes: Sequence[FootprintChange]) -> list[int]:
    return [change.change_key for change in changes if change.change_key is not None]


def _all_rows(resources: Resources, audience: Audience) -> Iterator[Sequence[Any]]:
    after_id = 0
    while True:
        with resources.database.read(SYSTEM) as session:
            rows = feed.stored_after(session, audience, after_id, ROWS_AT_ONCE)
        if rows:
            yield rows
            after_id = rows[-1].id
        if len(rows) < ROWS_AT_ONCE:
            return


def _batch(rows: Sequence[Any]) -> FootprintBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(feed.STORED_COLUMNS)
    found = dict(zip(feed.STORED_COLUMNS, columns, strict=True))
    return FootprintBatch(
        ids=np.array(found["id"], np.int64),
        versions=np.array(found["version"], np.int32),
        geometries=np.asarray(shapely.from_wkb(np.array(found["geometry"], object)), object).reshape(-1),
        area_m2=np.array(found["area_m2"], np.float64),
        confidence=np.array(found["confidence"], np.float64),  # None becomes NaN
        jobs=np.array(found["job_id"], object),
        scenes=np.array([scene_id or "" for scene_id in found["scene_id"]], object),
        created_s=np.array(found["created_at"], np.float64),
        review=np.array([REVIEW_CODES[state] for state in found["review_state"]], np.uint8),
    )


def _ids_of_jobs(index: FootprintIndex, jobs: set[str]) -> NDArray[np.int64]:
    """Return the ids of all footprints of removed jobs: the database no longer knows them."""
    snapshot = index.snapshot()
    chosen = [ordinal for ordinal, (job, _) in enumerate(snapshot.sources) if job in jobs]
    if not chosen:
        return np.zeros(0, np.int64)
    columns = [segment.columns for segment in snapshot.segments]
    return np.concatenate([found.ids[np.isin(found.sources, chosen)] for found in columns])


def _live_ids(index: FootprintIndex) -> NDArray[np.int64]:
    segments = index.snapshot().segments
    alive = [np.delete(segment.columns.ids, segment.dead_rows) for segment in segments]
    return np.concatenate(alive) if alive else np.zeros(0, np.int64)
