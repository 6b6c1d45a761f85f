"""Binds an open page to the login session that made it.

Bokeh's page token says nothing of who asked for the page. The gate puts this mark among the request's headers, Bokeh
signs it into the token, and a websocket is taken only where token and cookie carry the same mark.
"""

import hashlib
import hmac

PAGE_OWNER_HEADER = b"x-page-owner"


def page_owner(key: bytes, session_id: str) -> str:
    """Return the mark of a session; it tells nothing about it."""
    return hmac.new(key, f"page-owner:{session_id}".encode(), hashlib.sha256).hexdigest()[:32]
