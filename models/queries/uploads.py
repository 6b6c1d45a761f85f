"""Uploads under way: finding them, and moving them on."""

from typing import Any

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from models.base import now_s
from models.job import ProcessingJob
from models.upload import ResumableUpload, UploadState


def find_upload(session: Session, upload_id: str, owner_id: int) -> ResumableUpload | None:
    """Return a person's own upload that has not expired."""
    wanted = select(ResumableUpload).where(
        ResumableUpload.id == upload_id,
        ResumableUpload.owner_id == owner_id,
        ResumableUpload.expires_at > now_s(),
    )
    return session.scalars(wanted).one_or_none()


def count_open(session: Session, owner_id: int) -> int:
    """Return how many uploads a person has under way."""
    own = (ResumableUpload.owner_id == owner_id, ResumableUpload.state == UploadState.OPEN)
    return session.scalar(select(func.count()).where(*own, ResumableUpload.expires_at > now_s())) or 0


def change_open(session: Session, upload_id: str, **values: Any) -> bool:
    """Set columns of an upload that is open; return False where there is none."""
    found = (ResumableUpload.id == upload_id, ResumableUpload.state == UploadState.OPEN)
    statement = update(ResumableUpload).where(*found).values(**values)
    changed: CursorResult[Any] = session.execute(statement.execution_options(synchronize_session=False))  # type: ignore[assignment]
    return changed.rowcount == 1


def remove_upload(session: Session, upload_id: str) -> None:
    """Remove a row."""
    session.execute(delete(ResumableUpload).where(ResumableUpload.id == upload_id))


def expired_ids(session: Session) -> list[str]:
    """Return the uploads that nobody may go on with any more."""
    return list(session.scalars(select(ResumableUpload.id).where(ResumableUpload.expires_at <= now_s())))


def job_of_scene(session: Session, scene_id: str) -> str | None:
    """Return the id of the first job on a scene, if there is one."""
    wanted = select(ProcessingJob.id).where(ProcessingJob.scene_id == scene_id)
    return session.scalars(wanted.order_by(ProcessingJob.created_at, ProcessingJob.id).limit(1)).one_or_none()


def known_ids(session: Session, ids: list[str]) -> set[str]:
    """Return those of some ids that have a row."""
    return set(session.scalars(select(ResumableUpload.id).where(ResumableUpload.id.in_(ids))))
