"""The one place where a job's state changes, always together with the rows that go with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, update
from sqlalchemy.orm import Session

from models.base import now_s
from models.job import JobMessage, JobPart, OutboxEntry, ProcessingJob
from models.job_states import JobState, sources_of
from models.state_endings import ending_of, lock_states, parts_among


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
    gives the lease back and drops the parts kept for a further attempt. A job of a whole state begins with the first of
    its parts and ends with the last one.
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
    if ids and (move.to is JobState.RUNNING or move.to.is_terminal):
        _follow(session, move, parts_among(session, ids))
    return ids


def end_states(session: Session, state_job_ids: Iterable[str]) -> list[str]:
    """End those jobs of whole states of which every part has ended; return their ids."""
    ended = []
    for job_id in lock_states(session, ProcessingJob.id.in_(list(state_job_ids))):
        ending = ending_of(session, job_id)
        if ending is not None:
            level = "error" if ending.error_code else "info"
            ended += move_jobs(
                session, Move(ending.to, level, ending.text, ending.error_code), ProcessingJob.id == job_id
            )
    return ended


def _follow(session: Session, move: Move, parts: Sequence[tuple[str, str, str]]) -> None:
    """Let the jobs of whole states follow a move of their parts."""
    wholes = list(dict.fromkeys(whole for whole, _, _ in parts))
    if not wholes:
        return
    if move.to is JobState.RUNNING:
        began = Move(JobState.RUNNING, values=(("started_at", func.coalesce(ProcessingJob.started_at, now_s())),))
        move_jobs(session, began, ProcessingJob.id.in_(wholes))
        return
    if move.to is not JobState.CANCELLED:  # a line for each of a thousand would say nothing
        for whole, _, scene_name in parts:
            write_messages(session, [whole], move.level, f"{scene_name}: {move.text or move.to}")
    end_states(session, wholes)


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
