"""Uploads that go on where they broke off: begun, written to, looked at, removed.

The row says how much is acknowledged, and the file holds at least as much. What came in after the last mark is cut off
before more is added.
"""

import shutil
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auth.principals import SYSTEM, Principal
from models.base import now_s
from models.queries import uploads as queries
from models.upload import ResumableUpload, UploadPurpose, UploadState
from webapp.errors import DiskFull, NotFound, UploadEmpty, UploadTooLarge
from webapp.resources import Resources
from webapp.services import quotas
from webapp.services.part_files import PartFile, lock_part, part_path, parts_folder
from webapp.services.tiers import limits_of
from webapp.services.uploads import incoming_folder, plain_name
from webapp.services.views import to_datetime
from webapp.storage import FULL
from webapp.upload_errors import TooManyUploads, UploadBusy, UploadClosed, UploadOffsetWrong

OPEN_MAX = 20
"""Uploads under way of one person."""
MARK_BYTES = 16 * 2**20
"""So much is lost at most when a process or the machine dies."""
HOUR_S = 3600.0
STRAY_S = 3600.0


@dataclass(frozen=True, slots=True)
class UploadWish:
    """What is to be sent. `options` are checked: parameters of the extraction, or what an import does not say."""

    purpose: UploadPurpose
    name: str
    length_bytes: int
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UploadView:
    """An upload as its owner sees it."""

    id: str
    purpose: UploadPurpose
    name: str
    options: dict[str, Any]
    length_bytes: int
    offset_bytes: int
    state: UploadState
    outcome: dict[str, Any] | None
    created_at: datetime
    expires_at: datetime

    @property
    def is_whole(self) -> bool:
        """Tell whether all bytes are here, and nothing has come of them yet."""
        return self.state is UploadState.OPEN and self.offset_bytes == self.length_bytes


class UploadWriter:
    """Adds bytes to an upload whose file this process has locked. `close` it, whatever happens."""

    def __init__(self, resources: Resources, view: UploadView, part: PartFile, marks: bool) -> None:
        self.view = view
        self.part = part
        self.offset_bytes = view.offset_bytes
        self._marked_bytes = view.offset_bytes
        self._resources = resources
        self._marks = marks

    def write(self, chunk: bytes) -> None:
        """Append a piece; every 16 MiB are acknowledged. Raises `UploadTooLarge`, `DiskFull`, `NotFound`."""
        if self.offset_bytes + len(chunk) > self.view.length_bytes:
            raise UploadTooLarge(name=self.view.name, limit_bytes=self.view.length_bytes)
        try:
            self.part.write(chunk)
        except OSError as error:
            raise _coded(error) from error
        self.offset_bytes += len(chunk)
        if self._marks and self.offset_bytes - self._marked_bytes >= MARK_BYTES:
            self.mark()

    def mark(self) -> None:
        """Acknowledge what is written: first it is on the disk, then the row says so."""
        _require_room(self._resources, 0)
        try:
            self.part.sync()
        except OSError as error:
            raise _coded(error) from error
        with self._resources.database.write(SYSTEM) as session:
            expires_at = now_s() + self._resources.settings.upload_retention_hours * HOUR_S
            values = {"offset_bytes": self.offset_bytes, "expires_at": expires_at}
            if not queries.change_open(session, self.view.id, **values):
                raise NotFound(kind="upload", id=self.view.id)  # its owner has removed it meanwhile
        self._marked_bytes = self.offset_bytes

    def take_back(self) -> None:
        """Drop what was not acknowledged."""
        self.part.cut_to(self._marked_bytes)
        self.offset_bytes = self._marked_bytes

    def close(self) -> None:
        """Let others write."""
        self.part.close()


def create_upload(resources: Resources, principal: Principal, wish: UploadWish) -> UploadView:
    """Begin an upload, with all limits judged before any byte is sent.

    Raises `UploadEmpty`, `UploadTooLarge`, `DiskFull`, `TooManyUploads`, `QuotaExceeded`.
    """
    name, limit_bytes = plain_name(wish.name), limits_of(resources.settings, principal.tier).upload_bytes
    if wish.length_bytes > limit_bytes:
        raise UploadTooLarge(name=name, limit_bytes=limit_bytes)
    if wish.length_bytes == 0:
        raise UploadEmpty(name=name)
    _require_room(resources, wish.length_bytes)
    if wish.purpose is UploadPurpose.EXTRACTION:
        quotas.require_some(resources, principal, "jobs")
    row = ResumableUpload(
        id=str(uuid.uuid4()),
        owner_id=principal.user_id,
        purpose=str(wish.purpose),
        name=name,
        options=dict(wish.options),
        length_bytes=wish.length_bytes,
        expires_at=now_s() + resources.settings.upload_retention_hours * HOUR_S,
    )
    with resources.database.write(principal) as session:
        if queries.count_open(session, principal.user_id) >= OPEN_MAX:
            raise TooManyUploads(limit=OPEN_MAX)
        session.add(row)
        session.flush()
        session.refresh(row)
        return _view(resources, row)


def get_upload(resources: Resources, principal: Principal, upload_id: str) -> UploadView:
    """Return a person's own upload. Raises `NotFound`, for an administrator who asks for somebody's, too."""
    with resources.database.read(principal) as session:
        row = queries.find_upload(session, upload_id, principal.user_id)
        if row is None:
            raise NotFound(kind="upload", id=upload_id[:50])
        return _view(resources, row)


def open_writer(
    resources: Resources, principal: Principal, upload_id: str, offset_bytes: int, marks: bool = True
) -> UploadWriter:
    """Lock an upload to add to it. Without `marks` nothing is acknowledged before `mark` is called.

    Raises `NotFound`, `UploadBusy` (at once; who has it is told), `UploadClosed`, `UploadOffsetWrong`, `DiskFull`.
    """
    name = get_upload(resources, principal, upload_id).name
    part = _locked(resources, upload_id, name)
    try:
        view = get_upload(resources, principal, upload_id)  # again: whoever had the lock may have moved it on
        if view.state is not UploadState.OPEN:
            part.remove()
            raise UploadClosed(name=name, state=str(view.state))
        if offset_bytes != view.offset_bytes:
            raise UploadOffsetWrong(name=name, offset_bytes=view.offset_bytes, given_bytes=offset_bytes)
        part.cut_to(view.offset_bytes)
        return UploadWriter(resources, view, part, marks)
    except BaseException:
        part.close()
        raise


def delete_upload(resources: Resources, principal: Principal, upload_id: str) -> None:
    """Give an upload up; what has come of it stays. Raises `NotFound`."""
    get_upload(resources, principal, upload_id)
    with resources.database.write(principal) as session:
        queries.remove_upload(session, upload_id)
    part_path(resources, upload_id).unlink(missing_ok=True)


def remove_expired_uploads(resources: Resources) -> int:
    """Remove what nobody went on with in time, and files that no row knows. Safe to run at any time."""
    with resources.database.write(SYSTEM) as session:
        expired = queries.expired_ids(session)
        for upload_id in expired:
            queries.remove_upload(session, upload_id)
    for upload_id in expired:
        part_path(resources, upload_id).unlink(missing_ok=True)
    _remove_strays(resources)
    return len(expired)


def _remove_strays(resources: Resources) -> None:
    limit = time.time() - STRAY_S
    old = []
    for path in parts_folder(resources).glob("*.*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < limit:
                old.append(path)
    with resources.database.read(SYSTEM) as session:
        known = queries.known_ids(session, [path.stem for path in old])
    for path in old:
        if path.stem not in known:
            path.unlink(missing_ok=True)


def _locked(resources: Resources, upload_id: str, name: str) -> PartFile:
    try:
        part = lock_part(part_path(resources, upload_id))
    except OSError as error:
        raise _coded(error) from error
    if part is None:
        raise UploadBusy(name=name)
    return part


def _require_room(resources: Resources, bytes_to_come: int) -> None:
    folder = incoming_folder(resources)
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < bytes_to_come + resources.settings.free_disk_bytes:
        raise DiskFull()


def _coded(error: OSError) -> Exception:
    return DiskFull() if error.errno in FULL else error


def _view(resources: Resources, row: ResumableUpload) -> UploadView:
    return UploadView(
        id=row.id,
        purpose=UploadPurpose(row.purpose),
        name=row.name,
        options=dict(row.options),
        length_bytes=row.length_bytes,
        offset_bytes=_offset_bytes(resources, row),
        state=UploadState(row.state),
        outcome=row.outcome,
        created_at=to_datetime(row.created_at),
        expires_at=to_datetime(row.expires_at),
    )


def _offset_bytes(resources: Resources, row: ResumableUpload) -> int:
    """Return what is both acknowledged and there: the folder may have been emptied."""
    if row.state != UploadState.OPEN:
        return row.offset_bytes
    try:
        return min(row.offset_bytes, part_path(resources, row.id).stat().st_size)
    except FileNotFoundError:
        return 0
