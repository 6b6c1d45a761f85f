"""What the caller of an export hears and may say while it runs."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from processing.errors import Cancelled


@dataclass(frozen=True, slots=True)
class ExportWatch:
    """`on_rows(n)` hears how many rows have been taken so far; when `should_stop()` is true, `Cancelled` is raised."""

    on_rows: Callable[[int], None] | None = None
    should_stop: Callable[[], bool] | None = None

    def check(self) -> None:
        """Raise `Cancelled` if the export is to stop."""
        if self.should_stop is not None and self.should_stop():
            raise Cancelled()

    def follow[B: Any](self, batches: Iterable[B]) -> Iterator[B]:
        """Pass batches on, asking before each; a batch counts once the next one is asked for."""
        rows = 0
        for batch in batches:
            self.check()
            yield batch
            rows += len(batch)
            if self.on_rows is not None:
                self.on_rows(rows)
        self.check()
