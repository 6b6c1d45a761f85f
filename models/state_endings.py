"""How a job of a whole state ends: with the last of its parts, in the same transaction.

Whoever moves several parts, or one, locks the row that people see first: of two last parts that end at the same
moment, the second one then knows of the first.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from models.job import JobKind, ProcessingJob
from models.job_states import TERMINAL, JobState
from models.scene import Scene

NAMED_MAX = 10
"""So many parts that did not succeed are named in the message; all of them have a log of their own."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The state that a job of a whole state ends in, and why."""

    to: JobState
    text: str
    error_code: str | None = None


def lock_states(session: Session, *conditions: ColumnElement[bool]) -> list[str]:
    """Lock the unfinished jobs of whole states that meet the conditions; return their ids."""
    statement = select(ProcessingJob.id).where(
        ProcessingJob.kind == str(JobKind.STATE), ProcessingJob.finished_at.is_(None), *conditions
    )
    ordered = statement.order_by(ProcessingJob.id).with_for_update(key_share=True)
    return list(session.scalars(ordered))


def lock_state_of(session: Session, job_id: str) -> None:
    """Lock the job of a whole state that this one is, or is a part of, if so."""
    parent = select(ProcessingJob.parent_id).where(ProcessingJob.id == job_id).correlate(None).scalar_subquery()
    lock_states(session, or_(ProcessingJob.id == job_id, ProcessingJob.id == parent))


def parts_among(session: Session, job_ids: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (id of the whole, id, name of the scene) of those jobs that are parts, by the whole."""
    statement = (
        select(ProcessingJob.parent_id, ProcessingJob.id, Scene.name)
        .join(Scene, Scene.id == ProcessingJob.scene_id)
        .where(ProcessingJob.id.in_(job_ids), ProcessingJob.parent_id.is_not(None))
        .order_by(ProcessingJob.parent_id, ProcessingJob.id)
    )
    return [(parent_id or "", job_id, name) for parent_id, job_id, name in session.execute(statement).all()]


def ending_of(session: Session, state_job_id: str) -> Ending | None:
    """Return how a job of a whole state ends now; None while a part of it is not finished."""
    job = ProcessingJob
    mine = job.parent_id == state_job_id
    unfinished = [str(state) for state in JobState if state not in TERMINAL]
    if session.scalar(select(job.id).where(mine, job.state.in_(unfinished)).limit(1)) is not None:
        return None
    counted = session.execute(select(job.state, func.count()).where(mine).group_by(job.state)).all()
    numbers = Counter({JobState(state): number for state, number in counted})
    cancelled = session.scalar(select(job.cancel_requested_at).where(job.id == state_job_id)) is not None
    return _ending(session, mine, numbers, is_cancelled=cancelled)


def _ending(session: Session, mine: ColumnElement[bool], numbers: Counter[JobState], *, is_cancelled: bool) -> Ending:
    total, done = numbers.total(), numbers[JobState.SUCCEEDED]
    if total == 0:
        return Ending(JobState.CANCELLED, "Nothing is left to do: its scenes were deleted.")
    if done == total:
        return Ending(JobState.SUCCEEDED, f"Finished: {_buildings(session, mine)} in {_scenes(total)}.")
    if is_cancelled or numbers[JobState.FAILED] + numbers[JobState.DEAD] == 0:
        kept = f"the {_buildings(session, mine)} found until then are kept"
        return Ending(JobState.CANCELLED, f"Cancelled with {done} of {_scenes(total)} done; {kept}.")
    to = JobState.FAILED if numbers[JobState.FAILED] else JobState.DEAD
    return Ending(to, f"{total - done} of {_scenes(total)} did not succeed: {_reasons(session, mine)}", "PartsFailed")


def _buildings(session: Session, mine: ColumnElement[bool]) -> str:
    number = session.scalar(select(func.coalesce(func.sum(ProcessingJob.footprint_count), 0)).where(mine))
    return f"{int(number or 0)} buildings"


def _scenes(number: int) -> str:
    return "1 scene" if number == 1 else f"{number} scenes"


def _reasons(session: Session, mine: ColumnElement[bool]) -> str:
    job = ProcessingJob
    statement = (
        select(Scene.name, job.state, job.error_code, job.error_message)
        .join(Scene, Scene.id == job.scene_id)
        .where(mine, job.state != str(JobState.SUCCEEDED))
        .order_by(Scene.name, job.id)
    )
    rows = session.execute(statement.limit(NAMED_MAX + 1)).all()
    named = [f"{name} ({code}: {message})" if code else f"{name} ({state})" for name, state, code, message in rows]
    more = ["and others"] if len(rows) > NAMED_MAX else []
    return "; ".join(named[:NAMED_MAX] + more)
