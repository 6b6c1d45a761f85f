"""What an administrator watches: what the installation holds and does, what may be cleared up, who did what."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from auth.principals import Principal
from models.audit import AuditEntry
from models.queries import people as queries
from models.queries.audit import AuditFilter, list_entries
from webapp.resources import Resources
from webapp.services.audit import Act, note
from webapp.services.health import Health, check_health, count_workers
from webapp.services.maintenance import Cleaned, CleanupWish, clean_up, preview_cleanup
from webapp.services.people import require_administrator
from webapp.services.views import to_datetime

AUDIT_LIMIT_MAX = 500


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Counts, and how the parts of the installation are."""

    users: int
    users_active: int
    footprints: int
    files: int
    stored_bytes: int
    jobs: dict[str, int]
    workers: int
    health: Health


@dataclass(frozen=True, slots=True)
class AuditView:
    """A line of the audit log."""

    id: int
    at: datetime
    actor_id: int | None
    actor_name: str
    key_id: str | None
    action: str
    target_kind: str
    target_id: str
    target_name: str | None
    """What an account that was acted on is called now; None for other things, and for accounts that are gone."""
    address: str
    detail: dict[str, Any]


def dashboard(resources: Resources, principal: Principal) -> Dashboard:
    """Return what the installation holds and does. Raises `Forbidden`."""
    require_administrator(principal)
    with resources.database.read(principal) as session:
        totals, jobs = queries.totals(session), queries.jobs_by_state(session)
    return Dashboard(**totals, jobs=jobs, workers=count_workers(resources), health=check_health(resources))


def cleanup(resources: Resources, principal: Principal, wish: CleanupWish, preview: bool) -> Cleaned:
    """Remove what is old, or tell what would be removed. Raises `Forbidden`."""
    require_administrator(principal)
    if preview:
        return preview_cleanup(resources, wish)
    cleaned = clean_up(resources, wish)
    with resources.database.write(principal) as session:
        counts = {"jobs": cleaned.jobs, "files": cleaned.files, "uploads": cleaned.uploads}
        note(session, principal, Act("cleanup.done", detail=counts | {"older_than_days": wish.older_than_days}))
    return cleaned


def audit_log(
    resources: Resources, principal: Principal, wanted: AuditFilter, limit: int = 100, before_id: int | None = None
) -> list[AuditView]:
    """Return who did what, newest first. Raises `Forbidden`."""
    require_administrator(principal)
    with resources.database.read(principal) as session:
        entries = list_entries(session, wanted, min(max(limit, 1), AUDIT_LIMIT_MAX), before_id)
        accounts = {int(entry.target_id) for entry in entries if _is_account(entry)}
        names = queries.names_of(session, accounts)
        return [
            AuditView(
                id=entry.id,
                at=to_datetime(entry.at),
                actor_id=entry.actor_id,
                actor_name=entry.actor_name,
                key_id=entry.key_id,
                action=entry.action,
                target_kind=entry.target_kind,
                target_id=entry.target_id,
                target_name=names.get(int(entry.target_id)) if _is_account(entry) else None,
                address=entry.address,
                detail=entry.detail,
            )
            for entry in entries
        ]


def _is_account(entry: AuditEntry) -> bool:
    return entry.target_kind == "user" and entry.target_id.isdecimal()
