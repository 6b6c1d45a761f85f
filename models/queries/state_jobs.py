"""Jobs of whole states and their parts."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from models.base import now_s
from models.job import JobKind, OutboxEntry, ProcessingJob
from models.job_states import JobState
from models.scene import Scene


def open_states(session: Session) -> list[str]:
    """Return the ids of the jobs of whole states that are not finished."""
    job = ProcessingJob
    open_ones = select(job.id).where(job.kind == str(JobKind.STATE), job.finished_at.is_(None))
    return list(session.scalars(open_ones.order_by(job.id)))


def waiting_parts(session: Session, state_job_id: str, at_once: int) -> list[str]:
    """Return the parts to hand out now, so that no more than `at_once` are on their way or at work.

    The largest come first, so that none of them is left alone at the end.
    """
    job = ProcessingJob
    mine = (job.parent_id == state_job_id, job.finished_at.is_(None))
    busy = session.scalar(select(func.count()).where(*mine, _is_sent())) or 0
    if busy >= at_once:
        return []
    waiting = select(job.id).where(*mine, job.state == str(JobState.QUEUED), ~_is_sent())
    return list(session.scalars(waiting.order_by(job.windows_total.desc(), job.id).limit(at_once - busy)))


def family_of(session: Session, job_id: str) -> tuple[str, ...]:
    """Return the jobs whose footprints a job stands for: itself, and its parts if it has some."""
    parts = session.scalars(select(ProcessingJob.id).where(ProcessingJob.parent_id == job_id))
    return (job_id, *sorted(parts))


def sums_of_parts(session: Session, state_job_ids: Iterable[str]) -> dict[str, Any]:
    """Return rows of sums over the parts, by the id of the whole. Where their weights differ, `weights` is not 1."""
    job = ProcessingJob
    sums: dict[str, ColumnElement[Any]] = {
        "parts": func.count(),
        "ended": func.count(job.finished_at),
        "windows_done": func.sum(job.windows_done),
        "windows_total": func.sum(job.windows_total),
        "footprints": func.sum(job.footprint_count),
        "weights": func.count(job.weights_sha256.distinct()),
        "weights_sha256": func.max(job.weights_sha256),
        "weights_name": func.max(job.weights_name),
    }
    columns = [column.label(name) for name, column in sums.items()]
    wanted = job.parent_id.in_(list(state_job_ids))
    rows = session.execute(select(job.parent_id, *columns).where(wanted).group_by(job.parent_id)).all()
    return {str(row[0]): row for row in rows}


def list_parts(session: Session, state_job_id: str) -> Sequence[Any]:
    """Return (job, name of its scene) of each part, by that name."""
    statement = select(ProcessingJob, Scene.name).join(Scene, Scene.id == ProcessingJob.scene_id)
    mine = statement.where(ProcessingJob.parent_id == state_job_id)
    return session.execute(mine.order_by(Scene.name, ProcessingJob.id)).all()


def ask_parts_to_stop(session: Session, *wholes: ColumnElement[bool]) -> None:
    """Pass on to the parts that somebody has cancelled the whole: that is a job of a state that meets the conditions.

    The wholes must be locked.
    """
    job = ProcessingJob
    cancelled = (job.kind == str(JobKind.STATE), job.finished_at.is_(None), job.cancel_requested_at.is_not(None))
    ids = list(session.scalars(select(job.id).where(*cancelled, *wholes)))
    if ids:
        mine = (job.parent_id.in_(ids), job.finished_at.is_(None), job.cancel_requested_at.is_(None))
        asked = update(job).where(*mine).values(cancel_requested_at=now_s())
        session.execute(asked.execution_options(synchronize_session=False))


def _is_sent() -> ColumnElement[bool]:
    """A message of the job was written, sent or not."""
    return exists().where(OutboxEntry.job_id == ProcessingJob.id)
