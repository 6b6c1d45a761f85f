"""Keep a received file: in the storage first, then its row with those of what it is."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from auth.principals import Principal
from models.scene import StoredFile
from webapp.resources import Resources
from webapp.services.uploads import ReceivedFile


def stored_file(principal: Principal, received: ReceivedFile, place: str, media_type: str) -> StoredFile:
    """Return the row of a received file, to be kept under `place` (`{id}` in it is the file's own)."""
    file_id = str(uuid.uuid4())
    return StoredFile(
        id=file_id,
        owner_id=principal.user_id,
        storage_key=place.format(id=file_id),
        name=received.name,
        media_type=media_type,
        size_bytes=received.size_bytes,
        sha256=received.sha256,
    )


@contextmanager
def kept(
    resources: Resources, principal: Principal, received: ReceivedFile, stored: StoredFile
) -> Iterator[Session]:
    """Store a file and its row; the block adds what it belongs to. Where that fails, the file goes again."""
    key = stored.storage_key
    resources.storage.put_file(key, received.path)
    try:
        with resources.database.write(principal) as session:
            session.add(stored)
            session.flush()
            yield session
    except BaseException:
        resources.storage.delete(key)
        raise
