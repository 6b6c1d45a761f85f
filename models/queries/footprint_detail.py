"""One footprint with all that is known of it."""

from functools import cache
from typing import Any

from sqlalchemy import Integer, Row, Select, bindparam, select
from sqlalchemy.orm import Session

from models.footprint import BuildingFootprint, is_published
from models.job import BIG_ID, ProcessingJob
from models.queries.footprints import ATTRIBUTES, GEOMETRY
from models.scene import Scene, StoredFile

OWN_COLUMNS = (*ATTRIBUTES, "version", "owner_id", GEOMETRY, "raw_geometry", "attributes")


def find_footprint(session: Session, footprint_id: int, owner_id: int | None) -> Row[Any] | None:
    """Return one footprint (`OWN_COLUMNS`) with its job's and its scene's; `owner_id` None: whoever's it is."""
    statement = _found(has_owner=owner_id is not None)
    return session.connection().execute(statement, {"one": footprint_id, "whose": owner_id}).one_or_none()


def lock_footprint(session: Session, footprint_id: int, owner_id: int | None) -> Row[Any] | None:
    """Return it as it is once nobody else writes it, and let nobody write it until the transaction ends."""
    statement = _found(has_owner=owner_id is not None).with_for_update(of=BuildingFootprint)
    return session.connection().execute(statement, {"one": footprint_id, "whose": owner_id}).one_or_none()


@cache
def _found(*, has_owner: bool) -> Select[Any]:
    """Return the statement for a footprint (`one`) of an owner (`whose`), or of anybody; made once."""
    table, job, file = BuildingFootprint, ProcessingJob, StoredFile
    around = (
        *(job.kind.label("job_kind"), job.finished_at.label("job_finished_at"), job.gsd_m, job.weights_name),
        *(job.weights_sha256, Scene.name.label("scene_name"), file.name.label("file_name")),
    )
    statement = (
        select(*(getattr(table, name) for name in OWN_COLUMNS), *around)
        .join(job, job.id == table.job_id)
        .outerjoin(Scene, Scene.id == table.scene_id)
        .outerjoin(file, file.id == job.file_id)
        .where(table.id == bindparam("one", type_=BIG_ID), is_published())
    )
    return statement.where(table.owner_id == bindparam("whose", type_=Integer())) if has_owner else statement
