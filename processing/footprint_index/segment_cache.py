"""What was worked out for a segment and a filter, kept while it is used: files never change, so nothing goes stale."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np


class SegmentCache:
    """Bounded by memory; what was used longest ago goes first. Safe to use from many threads."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, tuple[Any, ...]] = OrderedDict()
        self._lock = threading.Lock()

    def get[T: tuple[Any, ...]](self, key: Hashable, build: Callable[[], T]) -> T:
        """Return the tuple of arrays kept under a key, or build and keep it. The key tells the kind of tuple."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                kept: Any = self._kept[key]
                found: T = kept
                return found
        built = build()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = built
                self._bytes += _size_bytes(built)
            while self._bytes > self._most_bytes and self._kept:
                self._bytes -= _size_bytes(self._kept.popitem(last=False)[1])
        return built


def _size_bytes(arrays: tuple[Any, ...]) -> int:
    return 500 + sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
