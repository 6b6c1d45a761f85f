"""Who one is and what one may use, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages import formats
from pages.markup import facts

if TYPE_CHECKING:
    from webapp.services.profile import ProfileView
    from webapp.services.quotas import QuotaView

ROLE_LABELS = {"user": "User", "premium": "Premium user", "admin": "Administrator"}
TIER_LABELS = {"free": "Free", "premium": "Premium", "enterprise": "Enterprise"}
QUOTA_LABELS = {"jobs": "Jobs in the last hour", "states": "States in the last 24 hours"}
NO_LIMIT = "no limit"


def profile_facts(profile: ProfileView) -> str:
    """Return the account as HTML."""
    return facts([
        ("Name", formats.text(profile.username)),
        ("E-mail", formats.text(profile.email) if profile.email else formats.NO_VALUE),
        ("Role", ROLE_LABELS[profile.role]),
        ("Tier", TIER_LABELS[profile.tier]),
        ("Member since", formats.when(profile.created_at)),
    ])  # fmt: skip


def usage(profile: ProfileView) -> str:
    """Return what is used of the quotas, and the other limits, as HTML."""
    calls = profile.limits.calls_per_hour
    meters = "".join(map(_meter, profile.quotas))
    limits = facts([
        ("API calls an hour", NO_LIMIT if calls is None else formats.count(calls)),
        ("Largest upload", formats.size(profile.limits.upload_bytes)),
    ])  # fmt: skip
    return f'<div class="bf-usage">{meters}{limits}</div>'


def _meter(quota: QuotaView) -> str:
    label = QUOTA_LABELS[quota.kind]
    if quota.limit is None:
        return _used(label, f"{formats.count(quota.used)}, {NO_LIMIT}", "")
    width = 100.0 * min(1.0, quota.used / quota.limit)
    bar = f'<div class="bf-meter"><i style="width:{width:.0f}%"></i></div>'
    return _used(label, f"{formats.count(quota.used)} of {formats.count(quota.limit)}", bar)


def _used(label: str, words: str, bar: str) -> str:
    return f'<div><p class="bf-row"><span>{label}</span><b>{words}</b></p>{bar}</div>'
