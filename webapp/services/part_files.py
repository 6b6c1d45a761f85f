"""The bytes of an upload under way: a file of its own, which one process at a time writes to.

The lock is the file system's: it goes with the process that holds it, however that ends.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from webapp.resources import Resources
from webapp.services.uploads import incoming_folder


class PartFile:
    """The open and locked file of an upload."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._wish = _wish_of(path)

    @property
    def size_bytes(self) -> int:
        """How much is there, acknowledged or not."""
        return os.fstat(self._file.fileno()).st_size

    def cut_to(self, offset_bytes: int) -> None:
        """Drop what was never acknowledged, and stand at the end."""
        self._file.truncate(offset_bytes)
        self._file.seek(offset_bytes)

    def write(self, chunk: bytes) -> None:
        """Append. Raises `OSError`."""
        self._file.write(chunk)

    def sync(self) -> None:
        """Have everything on the disk. Raises `OSError`."""
        os.fsync(self._file.fileno())

    def is_wanted(self) -> bool:
        """Tell whether somebody else waits to go on with this upload."""
        return self._wish.exists()

    def remove(self) -> None:
        """Delete the file; the lock stays until it is closed."""
        self.path.unlink(missing_ok=True)
        self._wish.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the lock."""
        self._file.close()


def parts_folder(resources: Resources) -> Path:
    """Return where the bytes of uploads lie that may be gone on with."""
    return incoming_folder(resources) / "resumable"


def part_path(resources: Resources, upload_id: str) -> Path:
    """Return the place of an upload's bytes."""
    return parts_folder(resources) / f"{upload_id}.bytes"


def lock_part(path: Path) -> PartFile | None:
    """Open a file, made if need be, and lock it; None where another process has it.

    One that only waits for a connection that has gone sees then that it is wanted, and lets go.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_ino == path.stat().st_ino:  # not removed between opening and locking
            _wish_of(path).unlink(missing_ok=True)
            return PartFile(path, file)
    file.close()
    _wish_of(path).touch()
    return None


def _wish_of(path: Path) -> Path:
    return path.with_suffix(".wanted")
