"""Reads of stored files and of what they are for. `owner_id` limits what is seen; None: no limit."""

from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from models.job import ProcessingJob
from models.scene import Scene, StoredFile


def find_file(session: Session, file_id: str, owner_id: int | None) -> Any:
    """Return a file, the id of its scene and that of its import."""
    return session.execute(_visible(owner_id).where(StoredFile.id == file_id)).one_or_none()


def list_files(session: Session, owner_id: int | None, limit: int, before: tuple[float, str] | None) -> list[Any]:
    """Return the newest files, newest first; `before` is (created_at, id) of the last one seen."""
    table, statement = StoredFile, _visible(owner_id)
    if before is not None:
        created_at, file_id = before
        beside = and_(table.created_at == created_at, table.id < file_id)
        statement = statement.where(or_(table.created_at < created_at, beside))
    return list(session.execute(statement.order_by(table.created_at.desc(), table.id.desc()).limit(limit)).all())


def _visible(owner_id: int | None) -> Select[*tuple[Any, ...]]:
    table = StoredFile
    statement = (
        select(table, Scene.id.label("scene_id"), ProcessingJob.id.label("import_id"))
        .outerjoin(Scene, Scene.file_id == table.id)
        .outerjoin(ProcessingJob, ProcessingJob.file_id == table.id)
    )
    return statement if owner_id is None else statement.where(table.owner_id == owner_id)
