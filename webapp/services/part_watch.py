"""Looks at a part that may hang: in a thread of its own, one look at a time, and nobody waits long for it."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from webapp.services.health import Check, checked

KEPT_S = 1.0
"""Anybody may ask; a part is looked at once a second at most."""
PATIENCE_S = 2.0
"""A look that takes longer has found a part that hangs."""


class PartWatch:
    """One part, and what the last look at it found. For use on one event loop at a time."""

    def __init__(self, name: str, look: Callable[[], str]) -> None:
        self._name = name
        self._look = look
        self._found: Future[Check] | None = None
        self._began_at = 0.0

    async def check(self) -> Check:
        """Return how the part is, or was less than a second ago; within two seconds in any case."""
        if self._found is None or (self._found.done() and time.monotonic() - self._began_at > KEPT_S):
            self._begin()
        assert self._found is not None
        left_s = self._began_at + PATIENCE_S - time.monotonic()
        if left_s > 0:
            await asyncio.wait({asyncio.wrap_future(self._found)}, timeout=left_s)
        if self._found.done():
            return self._found.result()
        return Check(False, f"It has not answered for {time.monotonic() - self._began_at:.0f} seconds.")

    def _begin(self) -> None:
        """Look. The thread holds nobody up at the end of the process, also where it never comes back."""
        found = self._found = Future[Check]()
        self._began_at = time.monotonic()
        thread = threading.Thread(target=lambda: found.set_result(checked(self._look)), name=self._name, daemon=True)
        thread.start()
