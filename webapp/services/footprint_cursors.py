"""Where a page of footprints ended, as a text that goes into the next question and says nothing to people."""

import base64
import binascii
import hashlib
import json
import math

from models.queries.footprint_pages import PagePlace
from webapp.building_errors import CursorInvalid

LARGEST_ID = 2**63 - 1
MAX_LENGTH = 200


def question_digest(*parts: object) -> str:
    """Return a short name of a question: a cursor goes on with the one that it was given for, and no other."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def cursor_of(place: PagePlace, digest: str) -> str:
    """Return the text for a place."""
    plain = json.dumps([digest, place.value, place.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def place_of(cursor: str, digest: str) -> PagePlace:
    """Return the place of a text. Raises `CursorInvalid`."""
    try:
        if len(cursor) > MAX_LENGTH:
            raise ValueError("too long")
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        asked, value, footprint_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, RecursionError, TypeError, ValueError) as error:
        raise CursorInvalid(detail="it is not one of this server's") from error
    if asked != digest:
        raise CursorInvalid(detail="it belongs to another question")
    if not (_is_id(footprint_id) and _is_value(value)):
        raise CursorInvalid(detail="it is not one of this server's")
    return PagePlace(value, footprint_id)


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_ID


def _is_value(value: object) -> bool:
    return value is None or _is_id(value) or (isinstance(value, float) and math.isfinite(value))
