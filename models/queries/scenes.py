"""Reads of scenes and their files. `owner_id` limits what is seen; None: no limit."""

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import Session

from models.job import ProcessingJob
from models.scene import Scene, StoredFile


def find_scene(session: Session, scene_id: str, owner_id: int | None) -> Row[Scene, int, str] | None:
    """Return (scene, size in bytes, storage key)."""
    return session.execute(_visible(owner_id).where(Scene.id == scene_id)).one_or_none()


def list_scenes(session: Session, owner_id: int | None, limit: int) -> list[Row[Scene, int, str]]:
    """Return (scene, size in bytes, storage key) of the newest scenes, newest first."""
    statement = _visible(owner_id).order_by(Scene.created_at.desc(), Scene.id).limit(limit)
    return list(session.execute(statement).all())


def scenes_of(session: Session, owner_id: int) -> list[Scene]:
    """Return all scenes of a person, by id."""
    return list(session.scalars(select(Scene).where(Scene.owner_id == owner_id).order_by(Scene.id)))


def keep_scenes(session: Session, scene_ids: list[str]) -> set[str]:
    """Return which of these scenes are there; they stay until the transaction ends."""
    statement = select(Scene.id).where(Scene.id.in_(scene_ids)).order_by(Scene.id)
    return set(session.scalars(statement.with_for_update(read=True, key_share=True)))


def count_open_jobs(session: Session, scene_id: str) -> int:
    """Count the jobs of a scene that are not finished."""
    open_jobs = and_(ProcessingJob.scene_id == scene_id, ProcessingJob.finished_at.is_(None))
    return session.scalars(select(func.count(ProcessingJob.id)).where(open_jobs)).one()


def _visible(owner_id: int | None) -> Select[Scene, int, str]:
    statement = select(Scene, StoredFile.size_bytes, StoredFile.storage_key).join(
        StoredFile, StoredFile.id == Scene.file_id
    )
    return statement if owner_id is None else statement.where(Scene.owner_id == owner_id)
