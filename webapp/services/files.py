"""Uploaded files as they were sent: what there is, downloading them again, and removing them with what came of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from sqlalchemy import Row

from auth.principals import Principal
from models.queries import files as queries
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services import imports, pyramids, scenes
from webapp.services.exports import plain_stem
from webapp.services.views import to_datetime

LIST_LIMIT_MAX = 500
PLAIN_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class FileView:
    """A file, and the scene or the import that it was sent for."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime
    scene_id: str | None
    import_id: str | None

    @property
    def filename(self) -> str:
        """The name in plain ASCII."""
        path = PurePath(self.name)
        return plain_stem(path.stem) + (path.suffix if PLAIN_SUFFIX.fullmatch(path.suffix) else "")


@dataclass(frozen=True)
class DownloadableFile:
    """A file and its bytes."""

    view: FileView
    _key: str = field(repr=False)
    _resources: Resources = field(repr=False)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to and without `end`. Raises `NotFound`, `StorageUnavailable`."""
        return self._resources.storage.read(self._key, start, end)


def list_files(
    resources: Resources, principal: Principal, limit: int = 50, before: str | None = None
) -> list[FileView]:
    """Return files, newest first; `before` is the id of the last one already seen. Raises `NotFound` for a wrong id."""
    with resources.database.read(principal) as session:
        cursor = None
        if before is not None:
            last = _found(queries.find_file(session, before, principal.owner_filter), before)[0]
            cursor = (last.created_at, last.id)
        rows = queries.list_files(session, principal.owner_filter, min(max(limit, 1), LIST_LIMIT_MAX), cursor)
        return [_view(row) for row in rows]


def open_file(resources: Resources, principal: Principal, file_id: str) -> DownloadableFile:
    """Return a file to read. Raises `NotFound`."""
    with resources.database.read(principal) as session:
        row = _found(queries.find_file(session, file_id, principal.owner_filter), file_id)
        return DownloadableFile(_view(row), row[0].storage_key, resources)


def delete_file(resources: Resources, principal: Principal, file_id: str) -> None:
    """Remove a file with its scene or its import, their finished jobs and footprints.

    Raises `NotFound`, `SceneInUse`, `ImportInUse`.
    """
    view = open_file(resources, principal, file_id).view
    if view.scene_id is not None:
        scenes.delete_scene(resources, principal, view.scene_id)
        pyramids.forget_pyramid(resources, view.scene_id)
    elif view.import_id is not None:
        imports.delete_import(resources, principal, view.import_id)
    else:
        raise NotFound(kind="file", id=file_id)  # what it was for went a moment ago, and the file goes with it


def _found(row: Row[Any] | None, file_id: str) -> Row[Any]:
    if row is None:
        raise NotFound(kind="file", id=file_id)
    return row


def _view(row: Row[Any]) -> FileView:
    file, scene_id, import_id = row
    return FileView(
        id=file.id,
        name=file.name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        created_at=to_datetime(file.created_at),
        scene_id=scene_id,
        import_id=import_id,
    )
