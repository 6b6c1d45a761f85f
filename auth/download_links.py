"""Signed links to one file: pure rules; keys and times are arguments."""

import hashlib
from dataclasses import astuple, dataclass

from itsdangerous import BadData, URLSafeSerializer

SALT = "download-link"
MAX_LENGTH = 1024
"""Longer ones are refused before they are read."""


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """What a link says: which file, who gives it, by which session or API key, and from when to when (epoch seconds).
    """

    kind: str
    object_id: str
    user_id: int
    session_id: str
    key_id: str
    made_at: float
    expires_at: float


def sign_link(key: bytes, link: DownloadLink) -> str:
    """Return a text that only the holder of `key` can make, safe in addresses."""
    return str(_serializer(key).dumps(astuple(link)))


def read_link(key: bytes, text: str) -> DownloadLink | None:
    """Return what a text says, None if it was not signed with `key`. Whether it still holds is not looked at."""
    if len(text) > MAX_LENGTH:
        return None
    try:
        return DownloadLink(*_serializer(key).loads(text))
    except (BadData, TypeError):
        return None


def _serializer(key: bytes) -> URLSafeSerializer:
    """The signer derives a key of its own from ours and the salt."""
    return URLSafeSerializer(key, SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256})
