"""The audit log: who did what, written in the transaction that does it."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from auth.principals import Principal
from models.audit import AuditEntry
from webapp.request_context import current_request


@dataclass(frozen=True, slots=True)
class Act:
    """What was done, in two words (`api_key.revoked`), and to what. Secrets never stand in `detail`."""

    action: str
    target_kind: str = ""
    target_id: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def note(session: Session, actor: Principal | None, act: Act) -> None:
    """Add a line; None: nobody who had signed in."""
    request = current_request()
    detail = act.detail | ({"request_id": request.id} if request.id else {})
    session.add(
        AuditEntry(
            actor_id=actor.user_id if actor else None,
            actor_name=actor.username if actor else "",
            key_id=actor.key_id or None if actor else None,
            action=act.action,
            target_kind=act.target_kind,
            target_id=act.target_id,
            address=request.address,
            detail=detail,
        )
    )
