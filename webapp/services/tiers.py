"""Which limits hold for whom."""

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
