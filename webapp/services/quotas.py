"""Quotas: so many jobs an hour, so many states a day, by tier. Spent in the transaction that makes the job."""

from dataclasses import dataclass
from math import ceil

from sqlalchemy.orm import Session

from auth.principals import Principal
from models.queries import quotas as queries
from models.queries.quotas import Allowance
from webapp.errors import QuotaExceeded
from webapp.resources import Resources
from webapp.services.tiers import limits_of

HOUR_S, DAY_S = 3600.0, 86_400.0
LONGEST_WINDOW_S = DAY_S


@dataclass(frozen=True, slots=True)
class QuotaView:
    """What there is of a kind, and what is left of it now. None: no limit."""

    kind: str
    limit: int | None
    used: int
    left: int | None
    window_s: float


def spend(session: Session, resources: Resources, principal: Principal, kind: str, amount: int = 1) -> None:
    """Use some of a quota, or raise `QuotaExceeded`. To be called before anything else of its transaction locks."""
    allowance = _allowance(resources, principal, kind)
    queries.lock_owner(session, principal.user_id)
    if not queries.spend(session, principal.user_id, allowance, amount):
        raise _exceeded(session, principal, allowance)


def require_some(resources: Resources, principal: Principal, kind: str) -> None:
    """Raise `QuotaExceeded` where nothing is left: before a long upload, not after it."""
    allowance = _allowance(resources, principal, kind)
    if allowance.amount is None:
        return
    with resources.database.read(principal) as session:
        used, _ = queries.used_within(session, principal.user_id, allowance)
        if used >= allowance.amount:
            raise _exceeded(session, principal, allowance)


def quota_views(resources: Resources, principal: Principal) -> list[QuotaView]:
    """Return what a person has left of each kind."""
    with resources.database.read(principal) as session:
        return [_view(session, resources, principal, kind) for kind in ("jobs", "states")]


def _view(session: Session, resources: Resources, principal: Principal, kind: str) -> QuotaView:
    allowance = _allowance(resources, principal, kind)
    used, _ = queries.used_within(session, principal.user_id, allowance)
    left = None if allowance.amount is None else max(0, allowance.amount - used)
    return QuotaView(kind, allowance.amount, used, left, allowance.window_s)


def _allowance(resources: Resources, principal: Principal, kind: str) -> Allowance:
    limits = limits_of(resources.settings, principal.tier)
    if kind == "jobs":
        return Allowance(kind, limits.jobs_per_hour, HOUR_S)
    return Allowance(kind, limits.states_per_day, DAY_S)


def _exceeded(session: Session, principal: Principal, allowance: Allowance) -> QuotaExceeded:
    used, left_s = queries.used_within(session, principal.user_id, allowance)
    return QuotaExceeded(
        kind=allowance.kind,
        limit=allowance.amount,
        used=used,
        period="day" if allowance.window_s == DAY_S else "hour",
        retry_after_s=max(1, ceil(left_s)),
    )
