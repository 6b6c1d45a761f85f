"""Clearing up: old jobs (where the settings say so), expired exports, ended sessions, sent messages, stray files."""

import time
from dataclasses import dataclass

from sqlalchemy import delete, or_, select

from models.base import now_s
from models.export import Export
from models.footprint_writes import remove_jobs
from models.job import ProcessingJob, WorkerBeat
from models.queries.dispatch import drop_sent
from models.queries.footprint_feed import prune_feed
from models.scene import StoredFile
from models.user import LoginSession
from webapp.resources import Resources
from webapp.services.export_files import remove_expired
from webapp.services.export_scratch import sweep_scratch
from webapp.services.uploads import sweep_incoming

DAY_S = 86_400.0
SESSION_KEPT_S = 7 * DAY_S
ORPHAN_AGE_S = 3600.0
"""A file without a row is left alone for this long: its rows may be on their way."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was removed."""

    jobs: int
    exports: int
    files: int
    uploads: int


def cleanup_old_jobs(resources: Resources) -> Cleaned:
    """Remove what nobody needs any more. Safe to run at any time, also twice at once."""
    retention_days = resources.settings.job_retention_days
    jobs = _remove_old_jobs(resources, retention_days * DAY_S) if retention_days else 0
    with resources.database.write() as session:
        drop_sent(session)
        prune_feed(session)
        ended = or_(
            LoginSession.expires_at < now_s() - SESSION_KEPT_S, LoginSession.closed_at < now_s() - SESSION_KEPT_S
        )
        session.execute(delete(LoginSession).where(ended).execution_options(synchronize_session=False))
        gone = WorkerBeat.seen_at < now_s() - DAY_S
        session.execute(delete(WorkerBeat).where(gone).execution_options(synchronize_session=False))
    exports = remove_expired(resources)
    sweep_scratch(resources)
    return Cleaned(jobs, exports, remove_orphan_files(resources), sweep_incoming(resources))


def remove_orphan_files(resources: Resources, age_s: float = ORPHAN_AGE_S) -> int:
    """Remove stored files that no row names; a crash between the two leaves such."""
    limit = time.time() - age_s
    removed = 0
    for key, changed_at in list(resources.storage.entries()):
        if changed_at < limit and not _is_known(resources, key):
            resources.storage.delete(key)
            removed += 1
    return removed


def _is_known(resources: Resources, key: str) -> bool:
    with resources.database.read() as session:
        scene = select(StoredFile.id).where(StoredFile.storage_key == key)
        export = select(Export.id).where(Export.storage_key == key)
        return session.scalar(scene) is not None or session.scalar(export) is not None


def _remove_old_jobs(resources: Resources, older_than_s: float) -> int:
    old = ProcessingJob.finished_at < now_s() - older_than_s
    with resources.database.write() as session:
        return remove_jobs(session, old)
