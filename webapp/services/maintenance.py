"""Clearing up: old jobs (where the settings say so), expired exports, ended sessions, sent messages, stray files."""

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, or_, select

from models.base import now_s
from models.export import Export
from models.footprint_writes import remove_jobs
from models.job import ProcessingJob, WorkerBeat
from models.queries.dispatch import drop_sent
from models.queries.footprint_feed import prune_feed
from models.queries.mail_tokens import drop_expired
from models.queries.quotas import drop_older
from models.scene import StoredFile
from models.user import LoginSession
from webapp.resources import Resources
from webapp.services.export_files import count_expired, remove_expired
from webapp.services.export_scratch import sweep_scratch
from webapp.services.idempotency import drop_old
from webapp.services.import_writes import discard_leftovers
from webapp.services.quotas import LONGEST_WINDOW_S
from webapp.services.uploads import sweep_incoming
from webapp.settings import Settings

DAY_S = 86_400.0
SESSION_KEPT_S = 7 * DAY_S
ORPHAN_AGE_S = 3600.0
"""A file without a row is left alone for this long: its rows may be on their way."""


@dataclass(frozen=True, slots=True)
class CleanupWish:
    """How old a finished job has to be to go, with its footprints. None: as the settings say; 0 there: none goes."""

    older_than_days: float | None = None

    def limit_s(self, settings: Settings) -> float | None:
        """Return the age from which on jobs go; None: none."""
        days = settings.job_retention_days or None if self.older_than_days is None else self.older_than_days
        return None if days is None else days * DAY_S


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was removed, or would be. `footprints` are those of the jobs."""

    jobs: int
    footprints: int
    exports: int
    files: int
    uploads: int


def cleanup_old_jobs(resources: Resources) -> Cleaned:
    """Remove what the settings say. Safe to run at any time, also twice at once."""
    return clean_up(resources, CleanupWish())


def preview_cleanup(resources: Resources, wish: CleanupWish) -> Cleaned:
    """Tell what `clean_up` would remove now, and remove nothing."""
    limit_s = wish.limit_s(resources.settings)
    jobs, footprints = (0, 0) if limit_s is None else _count_old_jobs(resources, limit_s)
    return Cleaned(jobs, footprints, count_expired(resources), len(orphan_files(resources)), 0)


def clean_up(resources: Resources, wish: CleanupWish) -> Cleaned:
    """Remove what nobody needs any more. Safe to run at any time, also twice at once."""
    limit_s = wish.limit_s(resources.settings)
    jobs, footprints = (0, 0) if limit_s is None else _remove_old_jobs(resources, limit_s)
    with resources.database.write() as session:
        drop_sent(session)
        prune_feed(session)
        drop_expired(session)
        drop_older(session, LONGEST_WINDOW_S)
        drop_old(session, resources)
        ended = or_(
            LoginSession.expires_at < now_s() - SESSION_KEPT_S, LoginSession.closed_at < now_s() - SESSION_KEPT_S
        )
        session.execute(delete(LoginSession).where(ended).execution_options(synchronize_session=False))
        gone = WorkerBeat.seen_at < now_s() - DAY_S
        session.execute(delete(WorkerBeat).where(gone).execution_options(synchronize_session=False))
    discard_leftovers(resources)
    exports = remove_expired(resources)
    sweep_scratch(resources)
    files = remove_orphan_files(resources)
    return Cleaned(jobs, footprints, exports, files, sweep_incoming(resources))


def remove_orphan_files(resources: Resources, age_s: float = ORPHAN_AGE_S) -> int:
    """Remove stored files that no row names; a crash between the two leaves such."""
    orphans = orphan_files(resources, age_s)
    for key in orphans:
        resources.storage.delete(key)
    return len(orphans)


def orphan_files(resources: Resources, age_s: float = ORPHAN_AGE_S) -> list[str]:
    """Return the keys of stored files that no row names, and that are too old to wait for one."""
    limit = time.time() - age_s
    old = [key for key, changed_at in resources.storage.entries() if changed_at < limit]
    return [key for key in old if not _is_known(resources, key)]


def _is_known(resources: Resources, key: str) -> bool:
    with resources.database.read() as session:
        scene = select(StoredFile.id).where(StoredFile.storage_key == key)
        export = select(Export.id).where(Export.storage_key == key)
        return session.scalar(scene) is not None or session.scalar(export) is not None


def _count_old_jobs(resources: Resources, older_than_s: float) -> tuple[int, int]:
    """Return how many jobs ended longer ago than this, and how many footprints they have."""
    counts = select(func.count(), func.coalesce(func.sum(ProcessingJob.footprint_count), 0))
    with resources.database.read() as session:
        jobs, footprints = session.execute(counts.where(_ended_before(older_than_s))).one()
    return int(jobs), int(footprints)


def _remove_old_jobs(resources: Resources, older_than_s: float) -> tuple[int, int]:
    counted = _count_old_jobs(resources, older_than_s)
    with resources.database.write() as session:
        return remove_jobs(session, _ended_before(older_than_s)), counted[1]


def _ended_before(older_than_s: float) -> ColumnElement[bool]:
    return ProcessingJob.finished_at < now_s() - older_than_s
