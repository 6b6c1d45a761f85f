"""Work off the event loop: a read in a thread, its result applied to the document under Bokeh's lock.

A page never waits for the database on the event loop. Each kind of work has a name, and only the newest request of a
name is applied: while one runs, later ones wait, and of those only the last is started.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from bokeh.document import Document

from pages.problems import sentence_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Request:
    """One piece of work and what to do with what comes out of it."""

    work: Callable[[], Any]
    then: Callable[[Any], None]
    failed: Callable[[str], None] | None


class Background:
    """The threads of one document. Nothing runs or is applied once its session is gone."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._running: set[str] = set()
        self._waiting: dict[str, Request] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def alive(self) -> bool:
        """Whether the document still has a session."""
        context = self._document.session_context
        return context is not None and not context.destroyed

    def run(
        self,
        name: str,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Run `work` in a thread, then call `then(result)` on the document, or `failed(sentence)`."""
        request = Request(work, then, failed)
        if name in self._running:
            self._waiting[name] = request
            return
        self._running.add(name)
        self._document.add_next_tick_callback(partial(self._start, name, request))

    def watch(self, period_s: float, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Run `work` in a thread again and again, and call `then(result)` on the document when the result is another.

        While nothing changes the document is left alone: a callback in it costs far more than the look.
        """
        self._document.add_next_tick_callback(partial(self._begin, self._keep_looking(period_s, work, then)))

    def soon(self, callback: Callable[..., None], *args: Any) -> None:
        """Call `callback` on the document. Panel delivers widgets' events without Bokeh's lock, which figures need."""
        self._document.add_next_tick_callback(partial(callback, *args))

    def every(self, period_ms: int, callback: Callable[[], None]) -> None:
        """Call `callback` on the document each `period_ms`; Bokeh stops it when the session ends."""
        self._document.add_periodic_callback(callback, period_ms)

    async def _start(self, name: str, request: Request) -> None:
        await self._begin(self._perform(name, request))

    async def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Leave at once: Bokeh holds the document's lock until this returns, but the work needs no lock."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_looking(self, period_s: float, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        known = None
        while self.alive:
            try:
                found = await asyncio.to_thread(work)
            except Exception as error:
                log.warning("page_watch_failed", error=type(error).__name__, sentence=sentence_of(error))
            else:
                if found != known and self.alive:
                    known = found
                    self._document.add_next_tick_callback(partial(then, found))
            await asyncio.sleep(period_s)

    async def _perform(self, name: str, request: Request) -> None:
        outcome = partial(self._finish, name, request)
        try:
            apply = partial(request.then, await asyncio.to_thread(request.work))
        except Exception as error:
            apply = self._refusal(name, request, error)
        if self.alive:
            self._document.add_next_tick_callback(partial(outcome, apply))

    def _refusal(self, name: str, request: Request, error: Exception) -> Callable[[], None]:
        sentence = sentence_of(error)
        log.warning("page_work_failed", work=name, error=type(error).__name__, sentence=sentence)
        return partial(request.failed, sentence) if request.failed else lambda: None

    def _finish(self, name: str, request: Request, apply: Callable[[], None]) -> None:
        self._running.discard(name)
        following = self._waiting.pop(name, None)
        if following is not None:
            self.run(name, following.work, following.then, following.failed)
        apply()
