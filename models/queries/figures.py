"""Counts over the whole installation, for who watches it. None reads footprints, names or files."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models.base import now_s
from models.export import Export
from models.job import OutboxEntry, ProcessingJob, WorkerBeat
from models.job_states import JobState
from models.queries.dispatch import QUEUED

type JobCounts = dict[tuple[str, str], int]
"""By kind and state; the parts of jobs of whole states are the extractions that they are."""


def open_jobs(session: Session) -> JobCounts:
    """Count the jobs that have not ended; an index leads to them."""
    open_states = [str(state) for state in JobState if not state.is_terminal]
    return _counted(session, ProcessingJob.state.in_(open_states), ProcessingJob.finished_at.is_(None))


def ended_jobs(session: Session) -> JobCounts:
    """Count the jobs that have ended, which reads the whole table."""
    return _counted(session, ProcessingJob.finished_at.is_not(None))


def _counted(session: Session, *conditions: ColumnElement[bool]) -> JobCounts:
    job = ProcessingJob
    statement = select(job.kind, job.state, func.count()).where(*conditions).group_by(job.kind, job.state)
    return {(kind, state): number for kind, state, number in session.execute(statement)}


def oldest_queued_age_s(session: Session) -> float:
    """Return how long ago the oldest job was asked for that waits for a worker; 0 where none waits.

    Others have no message yet: jobs of whole states, which no worker takes, and those of their parts that wait their
    turn.
    """
    waiting = ProcessingJob.state == QUEUED, ProcessingJob.id.in_(select(OutboxEntry.job_id))
    age_s = session.scalars(select(now_s() - func.min(ProcessingJob.created_at)).where(*waiting)).one()
    return max(0.0, age_s or 0.0)


def unsent_messages(session: Session) -> int:
    """Count the messages that the relay has not handed to the broker yet."""
    return session.scalars(select(func.count()).where(OutboxEntry.published_at.is_(None))).one()


def exports_by_state(session: Session) -> dict[str, int]:
    """Count exports by state."""
    return dict(session.execute(select(Export.state, func.count()).group_by(Export.state)).all())


def queues_of_workers(session: Session, within_s: float) -> list[list[str]]:
    """Return which queues each worker takes that was seen within so many seconds."""
    return list(session.scalars(select(WorkerBeat.queues).where(WorkerBeat.seen_at > now_s() - within_s)))
