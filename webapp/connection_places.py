"""Who may use a connection of the database, where more ask than there are: a short wait, then a coded refusal.

A pool alone lets everybody wait for its whole time limit. Where all connections are held, that keeps the threads that
answer requests, and the requests behind those wait several times over.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from webapp.errors import DatabaseBusy

WAIT_S = 0.6
"""Longest wait for a connection. A request waits three times in a row at worst, for who sends it, for a thread, and for
what it wants: together they stay below two seconds. A wait of 0.25 s refused one request in fourteen under a load that
this one served whole (benchmarks/RESULTS.md).
"""
STANDING_S = WAIT_S / 2
"""A queue whose first has waited for this long does not move; who comes then would wait in vain."""


@dataclass(frozen=True, slots=True)
class PlacesUsed:
    """How many places there are, how many are taken, and how many wait for one."""

    number: int
    in_use: int
    waiting: int


class ConnectionPlaces:
    """As many places as there are connections. Safe for use by several threads."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._in_use = 0
        self._free = threading.BoundedSemaphore(number)
        self._lock = threading.Lock()
        self._waiting: dict[object, float] = {}
        """Since when each waits, in the order in which they came."""
        self._waited_in_vain = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a place for as long as the block lasts. Raises `DatabaseBusy`."""
        if not self._free.acquire(blocking=False):
            self._wait()
        with self._lock:
            self._in_use += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_use -= 1
            self._waited_in_vain = False
            self._free.release()

    def used(self) -> PlacesUsed:
        """Tell how busy it is."""
        with self._lock:
            return PlacesUsed(self._number, self._in_use, len(self._waiting))

    def _wait(self) -> None:
        myself = object()
        with self._lock:
            self._refuse_where_vain()
            self._waiting[myself] = time.monotonic()
        try:
            if not self._free.acquire(timeout=WAIT_S):
                self._waited_in_vain = True  # until a place is given back
                raise DatabaseBusy()
        finally:
            with self._lock:
                del self._waiting[myself]

    def _refuse_where_vain(self) -> None:
        first = next(iter(self._waiting.values()), None)
        stands = first is not None and time.monotonic() - first > STANDING_S
        if stands or self._waited_in_vain:
            raise DatabaseBusy()
