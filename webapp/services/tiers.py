"""Which limits hold for whom."""

from dataclasses import dataclass

from auth.principals import Role, Tier
from webapp.settings import Settings


def tier_of(settings: Settings, role: Role, own: str | None = None) -> Tier:
    """Return the account's own tier where it has one, else the one that the settings give to its role."""
    if own is not None:
        return Tier(own)
    return {
        Role.USER: settings.tier_of_user,
        Role.PREMIUM: settings.tier_of_premium,
        Role.ADMIN: settings.tier_of_admin,
    }[role]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a tier gives. None: no limit."""

    calls_per_hour: int | None
    jobs_per_hour: int | None
    states_per_day: int | None
    upload_bytes: int


def limits_of(settings: Settings, tier: Tier) -> Limits:
    """Return the limits of a tier; no upload is larger than the installation takes."""
    calls, jobs, states, upload_bytes = {
        Tier.FREE: (
            settings.free_calls_per_hour,
            settings.free_jobs_per_hour,
            settings.free_states_per_day,
            settings.free_upload_bytes,
        ),
        Tier.PREMIUM: (
            settings.premium_calls_per_hour,
            settings.premium_jobs_per_hour,
            settings.premium_states_per_day,
            settings.premium_upload_bytes,
        ),
        Tier.ENTERPRISE: (
            settings.enterprise_calls_per_hour,
            settings.enterprise_jobs_per_hour,
            settings.enterprise_states_per_day,
            settings.enterprise_upload_bytes,
        ),
    }[tier]
    return Limits(calls or None, jobs or None, states or None, min(upload_bytes, settings.upload_limit_bytes))
