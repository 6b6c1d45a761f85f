"""Gives each request an id that its answer and every line of the log about it carry."""

import re
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.request_context import USER_AGENT_LENGTH, RequestContext, enter_request

HEADER = "X-Request-ID"
FOREIGN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""An id that a proxy or client gives is kept, if nothing in it could forge a line of the log."""


class RequestTrail:
    """The outermost layer: nothing is answered without an id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = _request_of(scope)
        enter_request(request)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request.id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request.id):
            await self._app(scope, receive, send_with_id)


def _request_of(scope: Scope) -> RequestContext:
    headers = Headers(scope=scope)
    given = headers.get(HEADER, "")
    client = scope.get("client")
    agent = "".join(letter for letter in headers.get("user-agent", "") if letter.isprintable())
    return RequestContext(
        id=given if FOREIGN_ID.fullmatch(given) else uuid.uuid4().hex,
        address=str(client[0]) if client else "",
        user_agent=agent[:USER_AGENT_LENGTH],
    )
