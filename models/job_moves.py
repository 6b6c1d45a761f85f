"""The one place where a job's state changes, always together with the rows that go with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, update
from sqlalchemy.orm import Session

from models.base import now_s
from models.job import JobMessage, JobPart, OutboxEntry, ProcessingJob
from models.job_states import JobState, sources_of


@dataclass(frozen=True, slots=True)
class Move:
    """A move to a state. `values` are further columns to set; `level` and `text` go to the job's log."""

    to: JobState
    level: str = "info"
    text: str = ""
    error_code: str | None = None
    values: Sequence[tuple[str, Any]] = ()


def move_jobs(session: Session, move: Move, *conditions: ColumnElement[bool]) -> list[str]:
    """Move every job that meets the conditions and may enter the state; return their ids.

    The rows stay locked until the transaction ends. Entering `queued` writes an outbox row, entering a terminal state
    gives the lease back and drops the parts kept for a further attempt.
    """
    statement = (
        update(ProcessingJob)
        .where(ProcessingJob.state.in_(sorted(sources_of(move.to))), *conditions)
        .values(_columns(move))
        .returning(ProcessingJob.id)
        .execution_options(synchronize_session=False)
    )
    ids = list(session.scalars(statement))
    if ids and move.to is JobState.QUEUED:
        enqueue(session, ids)
    if ids and move.to.is_terminal:
        session.execute(delete(JobPart).where(JobPart.job_id.in_(ids)))
    if ids and move.text:
        write_messages(session, ids, move.level, move.text)
    return ids


def add_job(session: Session, job: ProcessingJob) -> None:
    """Write a new job and its outbox row."""
    session.add(job)
    session.flush()
    enqueue(session, [job.id])


def enqueue(session: Session, job_ids: list[str]) -> None:
    """Write an outbox row for each job."""
    session.execute(insert(OutboxEntry), [{"job_id": job_id} for job_id in job_ids])


def write_messages(session: Session, job_ids: list[str], level: str, text: str) -> None:
    """Add one line to the log of each job."""
    session.execute(insert(JobMessage), [{"job_id": job_id, "level": level, "text": text} for job_id in job_ids])


def _columns(move: Move) -> dict[str, Any]:
    columns: dict[str, Any] = {"state": str(move.to), **dict(move.values)}
    if move.to is not JobState.RUNNING:
        columns |= {"lease_owner": None, "lease_until": None}
    if move.to.is_terminal:
        columns["finished_at"] = now_s()
    if move.error_code is not None:
        columns |= {"error_code": move.error_code, "error_message": move.text}
    return columns
