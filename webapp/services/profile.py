"""One's own account at a glance: who one is, what one may use and what is left of it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from auth.principals import Principal
from models.user import User
from webapp.resources import Resources
from webapp.services.quotas import QuotaView, quota_views
from webapp.services.tiers import Limits, limits_of
from webapp.services.views import to_datetime


@dataclass(frozen=True, slots=True)
class ProfileView:
    """An account as its owner sees it."""

    username: str
    email: str | None
    role: str
    tier: str
    created_at: datetime
    limits: Limits
    quotas: tuple[QuotaView, ...]


def own_profile(resources: Resources, principal: Principal) -> ProfileView:
    """Return one's account with its limits and what is left of its quotas now."""
    with resources.database.read(principal) as session:
        row = session.execute(select(User.email, User.created_at).where(User.id == principal.user_id)).one()
    return ProfileView(
        username=principal.username,
        email=row.email,
        role=str(principal.role),
        tier=str(principal.tier),
        created_at=to_datetime(row.created_at),
        limits=limits_of(resources.settings, principal.tier),
        quotas=tuple(quota_views(resources, principal)),
    )
