"""Planes of coverage, used again and again: the system takes longer to hand out fresh memory than we take to draw."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from processing.footprint_index.coverage import Coverage, empty_coverage

MOST_KEPT = 4
"""A view of 1200 x 800 pixels needs 4 to 16 MB."""


Key = tuple[tuple[int, int], bool, bool]
"""Height and width in pixels, whether there are outlines, and classes of colours."""


class CoveragePool:
    """Lends empty coverage. Safe to use from many threads; those that find none left get a fresh one."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._kept: deque[tuple[Key, Coverage]] = deque(maxlen=most_kept)
        self._lock = threading.Lock()

    @contextmanager
    def lent(self, size_px: tuple[int, int], outlines: bool, classes: bool) -> Iterator[Coverage]:
        """Lend coverage, which must be empty again at the end, as shading leaves it; after an error it is dropped."""
        key = (size_px, outlines, classes)
        coverage = self._taken(key) or empty_coverage(*key)
        yield coverage
        with self._lock:
            self._kept.append((key, coverage))

    def _taken(self, key: Key) -> Coverage | None:
        with self._lock:
            for at, (own, coverage) in enumerate(self._kept):
                if own == key:
                    del self._kept[at]
                    return coverage
        return None
