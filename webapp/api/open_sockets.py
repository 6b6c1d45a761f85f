"""Websockets that are open, by who opened them: they are closed when the session ends, wherever it was ended.

They are closed, too, when the person may do less or more than before: the page loads itself again and is another one.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection

import anyio
import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.principals import Principal
from webapp.errors import AppError
from webapp.resources import Resources
from webapp.services import sessions

log = logging.getLogger(__name__)

SESSION_ENDED = 4401
"""Close code: applications may choose from 4000 on; it recalls HTTP's 401."""
CHECK_S = 0.5
"""What ended elsewhere closes its websockets within a second."""


class OpenSockets:
    """All open websockets of this process. `on_ended` hears of each session that is found to have ended."""

    def __init__(self, resources: Resources, on_ended: Callable[[str], None]) -> None:
        self._resources = resources
        self._on_ended = on_ended
        self._ended: dict[Principal, set[asyncio.Event]] = defaultdict(set)
        self._watcher: asyncio.Task[None] | None = None
        self._limiter = anyio.CapacityLimiter(1)

    def count(self) -> int:
        """Count the websockets that are open."""
        return sum(map(len, list(self._ended.values())))

    def close_session(self, session_id: str) -> None:
        """Close the session's websockets now."""
        for principal in list(self._ended):
            if principal.session_id == session_id:
                self._close(principal)

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket until it closes, or until what `scope["state"]["principal"]` says holds no more."""
        principal: Principal = scope["state"]["principal"]
        ended = asyncio.Event()
        self._ended[principal].add(ended)
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        closer = asyncio.create_task(_close_when(ended, send))
        try:
            await app(scope, receive, _refuse_after(ended, send))
        finally:
            closer.cancel()
            self._ended[principal].discard(ended)
            if not self._ended[principal]:
                del self._ended[principal]

    async def _watch(self) -> None:
        """Ask the database about the sessions for as long as there is one with a websocket."""
        while self._ended:
            await asyncio.sleep(CHECK_S)
            asked = list(self._ended)
            try:
                over = await anyio.to_thread.run_sync(self._over, asked, limiter=self._limiter)
            except AppError as error:
                log.warning("cannot check the sessions of open pages: %s", error)
                continue
            for principal in over:
                self._on_ended(principal.session_id)
                self._close(principal)

    def _close(self, principal: Principal) -> None:
        for ended in self._ended.get(principal, ()):
            ended.set()

    def _over(self, principals: Collection[Principal]) -> list[Principal]:
        holding = sessions.still_holding(self._resources, principals)
        return [principal for principal in principals if principal not in holding]


async def _close_when(ended: asyncio.Event, send: Send) -> None:
    await ended.wait()
    try:
        await send({"type": "websocket.close", "code": SESSION_ENDED, "reason": "session ended"})
    except (OSError, RuntimeError):
        log.debug("a websocket had closed by itself")


def _refuse_after(ended: asyncio.Event, send: Send) -> Send:
    async def send_while_open(message: Message) -> None:
        if ended.is_set():
            raise OSError("the session has ended")
        await send(message)

    return send_while_open
