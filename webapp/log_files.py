"""Log files of the supervised processes, turned over before they grow large."""

import os
from contextlib import suppress
from pathlib import Path

LIMIT_BYTES = 10_000_000
KEPT = 3


class LogFile:
    """Appends what a process prints. A full disk loses lines, never the process that writes them."""

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = path
        self._limit_bytes = limit_bytes
        self._file = path.open("ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with suppress(OSError):
            if self._file.tell() + len(data) > self._limit_bytes:
                self._turn_over()
            self._file.write(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _turn_over(self) -> None:
        for number in range(KEPT - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                os.replace(older, self._numbered(number + 1))
        os.replace(self.path, self._numbered(1))
        self._file.close()
        self._file = self.path.open("ab", buffering=0)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")
