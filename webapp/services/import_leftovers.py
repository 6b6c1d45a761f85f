"""What imports have stored that ended otherwise than well: removed bit by bit, by whoever has the time.

Apart from the writes of an import, so that who only clears up loads no data frames.
"""

from sqlalchemy import delete, select, text, true
from sqlalchemy.orm import Session

from auth.principals import SYSTEM
from models.base import now_s
from models.footprint import BuildingFootprint
from models.job import UNPUBLISHED_SQL, ProcessingJob
from webapp.resources import Resources

DISCARDED_AT_ONCE = 5000
"""One bite for a database that lets one write at a time."""


def discard_leftovers(resources: Resources, ended_within_s: float | None = None) -> int:
    """Remove what imports have stored that ended otherwise than well; return how many footprints that were.

    `ended_within_s` spares those who ask often a look at imports of long ago, of which all is gone.
    """
    with resources.database.read(SYSTEM) as session:
        job_ids = _ended_in_vain(session, ended_within_s)
    return sum(_discard(resources, job_id) for job_id in job_ids)


def _ended_in_vain(session: Session, within_s: float | None) -> list[str]:
    table = ProcessingJob
    recently = true() if within_s is None else table.finished_at > now_s() - within_s
    ended = select(table.id).where(text(UNPUBLISHED_SQL), table.finished_at.is_not(None), recently)
    return list(session.scalars(ended))


def _discard(resources: Resources, job_id: str) -> int:
    removed = 0
    while True:
        with resources.database.read(SYSTEM) as session:
            mine = BuildingFootprint.job_id == job_id
            ids = list(session.scalars(select(BuildingFootprint.id).where(mine).limit(DISCARDED_AT_ONCE)))
        if not ids:
            return removed
        with resources.database.write(SYSTEM) as session:
            session.execute(delete(BuildingFootprint).where(BuildingFootprint.id.in_(ids)))
        removed += len(ids)
