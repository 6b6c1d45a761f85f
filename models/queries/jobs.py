"""Reads of jobs. `owner_id` limits what is seen; None: no limit."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, case, func, or_, select, true
from sqlalchemy.orm import Session, defer

from models.base import now_s
from models.job import JobKind, JobMessage, ProcessingJob
from models.scene import Scene, StoredFile
from models.user import User

type JobRow = Row[ProcessingJob, str | None, str | None, str, float]
"""The job, its scene's name, its file's name, its owner's name, the database's clock."""


def find_job(session: Session, job_id: str, owner_id: int | None) -> JobRow | None:
    """Return one job with the names around it."""
    return session.execute(_visible(owner_id).where(ProcessingJob.id == job_id)).one_or_none()


def list_jobs(session: Session, owner_id: int | None, limit: int, before: tuple[float, str] | None) -> list[JobRow]:
    """Return the newest jobs, newest first; `before` is (created_at, id) of the last one seen.

    Parts of a job of a whole state are not listed beside it.
    """
    statement = _visible(owner_id).options(defer(ProcessingJob.import_report))
    statement = statement.where(ProcessingJob.parent_id.is_(None))
    if before is not None:
        created_at, job_id = before
        older = ProcessingJob.created_at < created_at
        beside = and_(ProcessingJob.created_at == created_at, ProcessingJob.id < job_id)
        statement = statement.where(or_(older, beside))
    ordered = statement.order_by(ProcessingJob.created_at.desc(), ProcessingJob.id.desc()).limit(limit)
    return list(session.execute(ordered).all())


def list_imports(session: Session, owner_id: int | None, limit: int) -> list[JobRow]:
    """Return the newest imports, newest first."""
    imports = _visible(owner_id).where(ProcessingJob.kind == str(JobKind.IMPORT))
    return list(session.execute(imports.order_by(ProcessingJob.created_at.desc()).limit(limit)).all())


def list_messages(session: Session, job_id: str, limit: int) -> list[JobMessage]:
    """Return the latest lines of a job's log, oldest first."""
    statement = select(JobMessage).where(JobMessage.job_id == job_id).order_by(JobMessage.id.desc()).limit(limit)
    return list(session.scalars(statement))[::-1]


def speed_of(session: Session, weights_sha256: str, jobs: int) -> tuple[int, float, int]:
    """Return windows, seconds, and of how many jobs: the newest that succeeded with these weights, whoever's they are.

    Only the last attempt of each counts, from when its weights were loaded: what earlier attempts did cost other time.
    """
    job = ProcessingJob
    windows, work_s = job.windows_done - job.windows_before, job.finished_at - job.attempt_started_at
    newest = (
        select(windows.label("windows"), work_s.label("work_s"))
        .where(job.state == "succeeded", job.kind == str(JobKind.EXTRACTION), job.weights_sha256 == weights_sha256)
        .where(windows > 0, work_s > 0)
        .order_by(job.finished_at.desc())
        .limit(jobs)
        .subquery()
    )
    sums = (func.coalesce(func.sum(newest.c.windows), 0), func.coalesce(func.sum(newest.c.work_s), 0.0), func.count())
    found = session.execute(select(*sums).select_from(newest)).one()
    return int(found[0]), float(found[1]), int(found[2])


def sums_by_state(session: Session, owner_id: int | None) -> Sequence[Any]:
    """Return state, jobs, footprints, processing_s and how many jobs that time is of (timed), a row for each state.

    A job of a whole state counts as one; what was found and how long that took is told by its parts.
    """
    job = ProcessingJob
    is_whole = job.kind == str(JobKind.STATE)
    took_s = case((is_whole, None), else_=job.finished_at - job.started_at)
    sums = (
        func.count(case((job.parent_id.is_(None), job.id))).label("jobs"),
        func.sum(job.footprint_count).label("footprints"),
        func.sum(took_s).label("processing_s"),
        func.count(took_s).label("timed"),
    )
    owned = true() if owner_id is None else job.owner_id == owner_id
    return session.execute(select(job.state, *sums).where(owned).group_by(job.state)).all()


def _visible(owner_id: int | None) -> Select[ProcessingJob, str | None, str | None, str, float]:
    statement = (
        select(ProcessingJob, Scene.name, StoredFile.name, User.username, now_s())
        .outerjoin(Scene, Scene.id == ProcessingJob.scene_id)
        .outerjoin(StoredFile, StoredFile.id == ProcessingJob.file_id)
        .join(User, User.id == ProcessingJob.owner_id)
    )
    return statement if owner_id is None else statement.where(ProcessingJob.owner_id == owner_id)
