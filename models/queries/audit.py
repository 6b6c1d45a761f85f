"""Reads of the audit log."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.audit import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which lines; None or empty: all."""

    actor_id: int | None = None
    actor_name: str = ""
    action: str = ""
    target_kind: str = ""
    target_id: str = ""


def list_entries(session: Session, wanted: AuditFilter, limit: int, before_id: int | None) -> list[AuditEntry]:
    """Return the newest lines, newest first; `before_id` is that of the last line seen."""
    statement = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if before_id is not None:
        statement = statement.where(AuditEntry.id < before_id)
    if wanted.actor_id is not None:
        statement = statement.where(AuditEntry.actor_id == wanted.actor_id)
    if wanted.actor_name:
        statement = statement.where(AuditEntry.actor_name == wanted.actor_name)
    if wanted.action:
        statement = statement.where(AuditEntry.action.startswith(wanted.action, autoescape=True))
    if wanted.target_kind:
        statement = statement.where(AuditEntry.target_kind == wanted.target_kind)
    if wanted.target_id:
        statement = statement.where(AuditEntry.target_id == wanted.target_id)
    return list(session.scalars(statement))
