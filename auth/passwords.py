"""Argon2id password hashes. Unknown users cost the same time as known ones."""

import secrets
import string

from pwdlib import PasswordHash

PASSWORD_MIN_LENGTH = 8
PASSWORD_MAX_LENGTH = 200
_LETTERS = string.ascii_letters + string.digits

_hasher = PasswordHash.recommended()


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password. Takes about half a second and 64 MiB."""
    return _hasher.hash(password)


def verify_password(password: str, stored_hash: str | None) -> bool:
    """Check a password against a stored hash; with None the same work is done and the answer is False."""
    matches = _hasher.verify(password, stored_hash or _decoy_hash())
    return matches and stored_hash is not None


def generate_password(length: int = 20) -> str:
    """Return a random password of letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


_decoy: str | None = None


def _decoy_hash() -> str:
    """Return a hash that no password matches. Made at first need, as it costs half a second."""
    global _decoy
    if _decoy is None:
        _decoy = _hasher.hash(secrets.token_urlsafe(32))
    return _decoy
