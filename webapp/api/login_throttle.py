"""Slows down guessing: after a few wrong passwords, each further try for an account from an address has to wait.

By account and address together, so that nobody can lock somebody else out.
"""

import threading
import time
from collections import OrderedDict

from webapp.errors import LoginDelayed

FREE_TRIES = 5
LONGEST_S = 60.0
FORGOTTEN_AFTER_S = 900.0
MOST_KEPT = 50_000


class LoginThrottle:
    """Wrong passwords of the last quarter of an hour, in this process."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, username: str, address: str) -> None:
        """Raise `LoginDelayed` while the next try has to wait."""
        with self._lock:
            count, last = self._failures.get(_key(username, address), (0, 0.0))
        if count < FREE_TRIES:
            return
        wait_s = min(LONGEST_S, 2.0 ** (count - FREE_TRIES)) - (time.monotonic() - last)
        if wait_s > 0:
            raise LoginDelayed(retry_after_s=max(1, round(wait_s + 0.5)))

    def note_failure(self, username: str, address: str) -> None:
        """Count a wrong password."""
        key, now = _key(username, address), time.monotonic()
        with self._lock:
            count, last = self._failures.pop(key, (0, now))
            self._failures[key] = (1 if now - last > FORGOTTEN_AFTER_S else count + 1), now
            while len(self._failures) > MOST_KEPT:
                self._failures.popitem(last=False)

    def note_success(self, username: str, address: str) -> None:
        """Forget the wrong passwords of somebody who knew the right one in the end."""
        with self._lock:
            self._failures.pop(_key(username, address), None)


def _key(username: str, address: str) -> tuple[str, str]:
    return username.strip().lower()[:100], address
