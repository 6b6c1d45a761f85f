"""Where somebody is signed in, and ending that."""

from auth.principals import Principal
from models.queries import sessions as queries
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services.audit import Act, note
from webapp.services.views import SessionView, to_datetime


def list_sessions(resources: Resources, principal: Principal) -> list[SessionView]:
    """Return one's open sessions, the one used last first."""
    with resources.database.read(principal) as session:
        return [
            SessionView(
                id=row.id,
                kind=row.kind,
                address=row.address,
                user_agent=row.user_agent,
                created_at=to_datetime(row.created_at),
                seen_at=to_datetime(row.seen_at),
                expires_at=to_datetime(row.expires_at),
                is_current=row.id == principal.session_id,
            )
            for row in queries.open_of(session, principal.user_id)
        ]


def revoke_session(resources: Resources, principal: Principal, session_id: str) -> None:
    """End one of one's sessions. Raises `NotFound`, also for those of others."""
    with resources.database.write(principal) as session:
        if session_id not in [row.id for row in queries.open_of(session, principal.user_id)]:
            raise NotFound(kind="session", id=session_id)
        queries.close(session, session_id, "revoked")
        note(session, principal, Act("session.revoked", "session", session_id))


def revoke_other_sessions(resources: Resources, principal: Principal) -> list[str]:
    """End all of one's sessions but the one that asks; return their ids."""
    with resources.database.write(principal) as session:
        ended = queries.close_all(session, principal.user_id, "revoked", except_id=principal.session_id)
        queries.note_end(session, principal.user_id)
        note(session, principal, Act("session.others_revoked", "user", str(principal.user_id), {"count": len(ended)}))
    return ended
