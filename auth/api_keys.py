"""The form of API keys, `bfa_<id>_<secret>`: the id may be shown, a checksum tells a mistyped key without a lookup."""

import secrets
import string
import zlib
from dataclasses import dataclass, field

PREFIX = "bfa"
ID_LENGTH = 12
SECRET_LENGTH = 40
"""238 random bits."""
CHECKSUM_LENGTH = 6
_ALPHABET = string.digits + string.ascii_letters


@dataclass(frozen=True, slots=True)
class ApiKeyText:
    """A key in its parts."""

    id: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{PREFIX}_{self.id}_{self.secret}{_checksum(self.id + self.secret)}"


def new_api_key() -> ApiKeyText:
    """Return a random key."""
    return ApiKeyText(_random(ID_LENGTH), _random(SECRET_LENGTH))


def read_api_key(text: str) -> ApiKeyText | None:
    """Return the parts of a key, None for anything that no key looks like."""
    prefix, _, rest = text.partition("_")
    key_id, _, tail = rest.partition("_")
    secret, checksum = tail[:SECRET_LENGTH], tail[SECRET_LENGTH:]
    well_formed = prefix == PREFIX and len(key_id) == ID_LENGTH and len(tail) == SECRET_LENGTH + CHECKSUM_LENGTH
    if not well_formed or not (key_id + tail).isascii() or checksum != _checksum(key_id + secret):
        return None
    return ApiKeyText(key_id, secret)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    value, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        value, rest = divmod(value, len(_ALPHABET))
        digits += _ALPHABET[rest]
    return digits
