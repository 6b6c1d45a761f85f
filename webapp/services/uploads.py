"""Receiving a file: written to `incoming/` chunk by chunk, limits first, nothing left behind."""

import fcntl
import hashlib
import os
import shutil
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from auth.principals import Principal
from webapp.errors import DiskFull, UploadEmpty, UploadIncomplete, UploadTooLarge
from webapp.resources import Resources
from webapp.services.tiers import limits_of
from webapp.storage import FULL

NAME_MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that arrived whole. `name` is what the person calls it, without folders or control characters."""

    path: Path
    sha256: str
    size_bytes: int
    name: str
    held_by: BinaryIO | None = field(default=None, repr=False, compare=False)
    """Open and locked, so that no sweep takes the file while it is checked."""

    def discard(self) -> None:
        """Remove the file, if it was not moved away."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Let go of the lock."""
        if self.held_by is not None:
            self.held_by.close()


class Upload:
    """A file that is arriving. Used as a context manager it removes what was not finished."""

    def __init__(self, path: Path, name: str, limit_bytes: int, size_bytes: int | None) -> None:
        self.name = name
        self.received_bytes = 0
        self._path = path
        self._limit_bytes = limit_bytes
        self._size_bytes = size_bytes
        self._hash = hashlib.sha256()
        self._finished = False
        self._file: BinaryIO = _open_locked(path)

    def write(self, chunk: bytes) -> None:
        """Append bytes. Raises `UploadTooLarge`, `UploadIncomplete` (more than announced), `DiskFull`."""
        total_bytes = self.received_bytes + len(chunk)
        try:
            if total_bytes > self._limit_bytes:
                raise UploadTooLarge(name=self.name, limit_bytes=self._limit_bytes)
            if self._size_bytes is not None and total_bytes > self._size_bytes:
                raise self._incomplete(total_bytes)
            self._file.write(chunk)
        except BaseException as error:
            self.abort()
            raise _coded(error) from error
        self._hash.update(chunk)
        self.received_bytes = total_bytes

    def finish(self) -> ReceivedFile:
        """Close the file once it is whole. Raises `UploadIncomplete`, `UploadEmpty`, `DiskFull`."""
        try:
            if self._size_bytes is not None and self.received_bytes != self._size_bytes:
                raise self._incomplete(self.received_bytes)
            if self.received_bytes == 0:
                raise UploadEmpty(name=self.name)
            self._file.flush()
            os.fsync(self._file.fileno())
        except BaseException as error:
            self.abort()
            raise _coded(error) from error
        self._finished = True
        return ReceivedFile(self._path, self._hash.hexdigest(), self.received_bytes, self.name, self._file)

    def abort(self) -> None:
        """Drop what has arrived. Safe to call at any time, also twice; a finished file stays."""
        if self._finished:
            return
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # closing flushes what no longer fits
            self._file.close()

    def _incomplete(self, received_bytes: int) -> UploadIncomplete:
        return UploadIncomplete(name=self.name, received_bytes=received_bytes, size_bytes=self._size_bytes)

    def __enter__(self) -> Self:
        """Return the upload itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what was not finished."""
        self.abort()


def begin_upload(resources: Resources, principal: Principal, name: str, size_bytes: int | None = None) -> Upload:
    """Start to receive a file. An announced size is judged before any byte is written.

    Raises `UploadTooLarge`, `DiskFull`.
    """
    settings = resources.settings
    plain, limit_bytes = plain_name(name), limits_of(settings, principal.tier).upload_bytes
    if size_bytes is not None and size_bytes > limit_bytes:
        raise UploadTooLarge(name=plain, limit_bytes=limit_bytes)
    folder = incoming_folder(resources)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < (size_bytes or 0) + settings.free_disk_bytes:
            raise DiskFull()
        path = folder / f"{principal.user_id}-{uuid.uuid4().hex}.part"
        return Upload(path, plain, limit_bytes, size_bytes)
    except OSError as error:
        raise _coded(error) from error


def sweep_incoming(resources: Resources) -> int:
    """Remove files whose receiver has gone; those that are being written or checked are locked and stay."""
    removed = 0
    for path in incoming_folder(resources).glob("*.part"):
        with suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def incoming_folder(resources: Resources) -> Path:
    """Return the folder that arriving files lie in."""
    return resources.settings.data_dir / "incoming"


def plain_name(name: str) -> str:
    """Return the last part of a file name, printable characters only, at most 200."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(letter for letter in last if letter.isprintable()).strip()
    return printable[-NAME_MAX_LENGTH:] or "unnamed.tif"


def _open_locked(path: Path) -> BinaryIO:
    file = path.open("xb")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _coded(error: BaseException) -> BaseException:
    return DiskFull() if isinstance(error, OSError) and error.errno in FULL else error
