"""The time: the database's, which all processes share."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import now_s


def database_now(session: Session) -> float:
    """Return the time in epoch seconds."""
    return float(session.execute(select(now_s())).scalar_one())
