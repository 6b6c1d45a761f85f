"""Addresses in mails: pages of this installation that take a secret."""

from urllib.parse import urlencode

from webapp.settings import Settings


def link_to(settings: Settings, path: str, token: str) -> str:
    """Return the full address of a page. The secret stands behind `#`, which no browser sends to servers or logs."""
    base = settings.public_url.rstrip("/") or f"http://{settings.host}:{settings.port}"
    return f"{base}{path}#{urlencode({'token': token})}"
