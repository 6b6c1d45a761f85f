"""Where files lie: a local folder, or S3 and what speaks like it. Both behind obstore."""

import errno
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from webapp.errors import DiskFull, NotFound, StorageUnavailable

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CHUNK_BYTES = 8 * 1024 * 1024
READ_BYTES = 512 * 1024


@dataclass(frozen=True)
class Storage:
    """Files under keys. `root` is the folder of a local store; with S3 it holds copies that GDAL reads from."""

    store: ObjectStore
    root: Path
    is_local: bool

    def put_file(self, key: str, path: Path) -> None:
        """Move a finished file into the storage; whole or not at all. Raises `DiskFull`, `StorageUnavailable`."""
        try:
            if self.is_local:
                _move(path, self.root / key)
            else:
                obstore.put(self.store, key, path)
                path.unlink()
        except (OSError, BaseError) as error:
            raise _coded(error) from error

    def local_path(self, key: str) -> Path:
        """Return a path that GDAL can read; with S3 the file is fetched once and kept. Raises `NotFound`."""
        path = self.root / key
        if path.is_file():
            return path
        if self.is_local:
            raise NotFound(kind="stored file", id=key)
        draft = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            draft.parent.mkdir(parents=True, exist_ok=True)
            self._fetch(key, draft)
            draft.replace(path)
        except (NotFoundError, FileNotFoundError) as error:
            raise NotFound(kind="stored file", id=key) from error
        except (OSError, BaseError) as error:
            raise _coded(error) from error
        finally:
            draft.unlink(missing_ok=True)
        return path

    def read(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Return the bytes from `start` up to and without `end`, in pieces. Raises `NotFound`, `StorageUnavailable`.

        What was opened can be read to its end, also where the file is deleted meanwhile.
        """
        if start >= end:
            return iter(())
        try:
            found = obstore.get(self.store, key, options={"range": (start, end)})
            return (bytes(chunk) for chunk in found.stream(min_chunk_size=READ_BYTES))
        except (NotFoundError, FileNotFoundError) as error:
            raise NotFound(kind="stored file", id=key) from error
        except (OSError, BaseError) as error:
            raise _coded(error) from error

    def _fetch(self, key: str, path: Path) -> None:
        with path.open("wb") as file:
            for chunk in obstore.get(self.store, key).stream(min_chunk_size=CHUNK_BYTES):
                file.write(chunk)

    def delete(self, key: str) -> None:
        """Remove a file; one that is gone already is no error."""
        try:
            obstore.delete(self.store, key)
        except (NotFoundError, FileNotFoundError):
            pass
        except (OSError, BaseError) as error:
            raise _coded(error) from error
        if not self.is_local:
            (self.root / key).unlink(missing_ok=True)
        _remove_empty_folder((self.root / key).parent, self.root)

    def entries(self) -> Iterator[tuple[str, float]]:
        """Yield each key with the time of its last change in epoch seconds."""
        for page in obstore.list(self.store):
            for entry in page:
                yield entry["path"], entry["last_modified"].timestamp()


def open_storage(url: str, data_dir: Path) -> Storage:
    """Open the storage of an address; empty means the folder `objects` in `data_dir`."""
    if url.startswith("s3://"):
        root = data_dir / "object_copies"
        root.mkdir(parents=True, exist_ok=True)
        return Storage(S3Store.from_url(url), root, is_local=False)
    root = Path(url.removeprefix("file://")) if url else data_dir / "objects"
    root.mkdir(parents=True, exist_ok=True)
    return Storage(LocalStore(root.resolve()), root.resolve(), is_local=True)


def _move(source: Path, target: Path) -> None:
    """Move within a file system, or copy beside the target first, so that the target is never half there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        draft = target.with_name(f"{target.name}.part")
        try:
            shutil.copyfile(source, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        source.unlink()


def _remove_empty_folder(folder: Path, root: Path) -> None:
    if folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _coded(error: Exception) -> DiskFull | StorageUnavailable:
    if isinstance(error, OSError) and error.errno in FULL:
        return DiskFull()
    return StorageUnavailable(detail=type(error).__name__)
