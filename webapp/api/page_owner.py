"""Binds an open page to the login session that made it, and to what its person might do then.

Bokeh's page token says nothing of who asked for the page. The gate puts this mark among the request's headers, Bokeh
signs it into the token, and a websocket is taken only where token and cookie carry the same mark.
"""

import hashlib
import hmac

from auth.principals import Principal

PAGE_OWNER_HEADER = b"x-page-owner"


def page_owner(key: bytes, principal: Principal) -> str:
    """Return the mark of a session; it tells nothing about it, and is another one once role or tier have changed."""
    owner = f"page-owner:{principal.session_id}:{principal.role}:{principal.tier}"
    return hmac.new(key, owner.encode(), hashlib.sha256).hexdigest()[:32]
