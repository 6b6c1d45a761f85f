"""Websockets that are open, by session: they are closed when the session ends, wherever it was ended."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection

import anyio
import anyio.to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.errors import AppError
from webapp.resources import Resources
from webapp.services import sessions

log = logging.getLogger(__name__)

SESSION_ENDED = 4401
"""Close code: applications may choose from 4000 on; it recalls HTTP's 401."""
CHECK_S = 0.5
"""A session that ended elsewhere closes its websockets within a second."""


class OpenSockets:
    """All open websockets of this process. `on_ended` hears of each session that is found to have ended."""

    def __init__(self, resources: Resources, on_ended: Callable[[str], None]) -> None:
        self._resources = resources
        self._on_ended = on_ended
        self._ended: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._watcher: asyncio.Task[None] | None = None
        self._limiter = anyio.CapacityLimiter(1)

    def close_session(self, session_id: str) -> None:
        """Close the session's websockets now."""
        for ended in self._ended.get(session_id, ()):
            ended.set()

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one websocket until it closes or its session, `scope["state"]["principal"].session_id`, ends."""
        session_id = scope["state"]["principal"].session_id
        ended = asyncio.Event()
        self._ended[session_id].add(ended)
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        closer = asyncio.create_task(_close_when(ended, send))
        try:
            await app(scope, receive, _refuse_after(ended, send))
        finally:
            closer.cancel()
            self._ended[session_id].discard(ended)
            if not self._ended[session_id]:
                del self._ended[session_id]

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
            for session_id in over:
                self._on_ended(session_id)
                self.close_session(session_id)

    def _over(self, session_ids: Collection[str]) -> list[str]:
        still_open = sessions.open_among(self._resources, session_ids)
        return [session_id for session_id in session_ids if session_id not in still_open]


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
