"""What the dispatcher asks the tables."""

from sqlalchemy import ColumnElement, Row, and_, delete, func, select, update
from sqlalchemy.orm import Session

from models.base import now_s
from models.job import JobKind, OutboxEntry, ProcessingJob
from models.job_states import JobState

QUEUED = str(JobState.QUEUED)


def unpublished(session: Session, limit: int) -> list[Row[int, str, str, str, str | None]]:
    """Return (outbox id, job id, job state, job kind, request id) of messages to send, oldest first."""
    job = ProcessingJob
    statement = (
        select(OutboxEntry.id, OutboxEntry.job_id, job.state, job.kind, job.request_id)
        .join(ProcessingJob, ProcessingJob.id == OutboxEntry.job_id)
        .where(OutboxEntry.published_at.is_(None))
        .order_by(OutboxEntry.id)
        .limit(limit)
    )
    return list(session.execute(statement).all())


def request_ids(session: Session, job_ids: list[str]) -> dict[str, str | None]:
    """Return the ids of the requests that asked for jobs, by job."""
    columns = select(ProcessingJob.id, ProcessingJob.request_id)
    return dict(session.execute(columns.where(ProcessingJob.id.in_(job_ids))).all())


def mark_published(session: Session, outbox_ids: list[int]) -> None:
    """Note that messages were sent."""
    session.execute(update(OutboxEntry).where(OutboxEntry.id.in_(outbox_ids)).values(published_at=now_s()))


def count_queued(session: Session) -> int:
    """Count the jobs that wait for a worker and whose messages were all sent.

    Others have none yet: a job of a whole state, which no worker takes, and those of its parts that wait their turn.
    """
    waiting = select(OutboxEntry.job_id).where(OutboxEntry.published_at.is_(None))
    statement = select(func.count(ProcessingJob.id)).where(
        ProcessingJob.state == QUEUED,
        ProcessingJob.id.not_in(waiting),
        ProcessingJob.id.in_(select(OutboxEntry.job_id)),
    )
    return session.scalars(statement).one()


def send_again(session: Session, older_than_s: float) -> int:
    """Mark the last message of each queued job as unsent, where all were sent longer ago; return how many."""
    stale = (
        select(func.max(OutboxEntry.id))
        .join(ProcessingJob, ProcessingJob.id == OutboxEntry.job_id)
        .where(ProcessingJob.state == QUEUED)
        .group_by(OutboxEntry.job_id)
        .having(
            and_(
                func.count(OutboxEntry.published_at) == func.count(OutboxEntry.id),
                func.max(OutboxEntry.published_at) < now_s() - older_than_s,
            )
        )
    )
    statement = (
        update(OutboxEntry)
        .where(OutboxEntry.id.in_(stale))
        .values(published_at=None)
        .returning(OutboxEntry.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.scalars(statement).all())


def drop_sent(session: Session) -> None:
    """Remove the messages of finished jobs."""
    finished = select(ProcessingJob.id).where(ProcessingJob.finished_at.is_not(None))
    session.execute(
        delete(OutboxEntry).where(OutboxEntry.job_id.in_(finished)).execution_options(synchronize_session=False)
    )


def lease_expired() -> ColumnElement[bool]:
    """The job's worker has been silent for too long, by the database's clock."""
    return ProcessingJob.lease_until < now_s()


def cancel_requested() -> ColumnElement[bool]:
    """Somebody asked to cancel the job."""
    return ProcessingJob.cancel_requested_at.is_not(None)


def cancel_ignored(grace_s: float) -> ColumnElement[bool]:
    """Somebody asked to cancel the job, and its worker did not heed it."""
    return ProcessingJob.cancel_requested_at < now_s() - grace_s


def is_for_workers() -> ColumnElement[bool]:
    """A worker takes the job; one of a whole state follows its parts."""
    return ProcessingJob.kind != str(JobKind.STATE)


def attempts_used_up() -> ColumnElement[bool]:
    """The job was taken as often as it may be."""
    return ProcessingJob.attempt >= ProcessingJob.max_attempts


def has_state(state: JobState) -> ColumnElement[bool]:
    """The job is in this state."""
    return ProcessingJob.state == str(state)
