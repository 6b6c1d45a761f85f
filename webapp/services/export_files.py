"""Exports as resources: asking for a file, seeing how far it is, downloading it, deleting it. A worker makes it."""

import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.principals import SYSTEM, Principal
from models.export import Export, ExportPart, ExportState
from models.queries import exports as queries
from models.queries.scenes import find_scene
from models.user import User
from processing.exports.formats import FORMATS
from webapp.errors import NotFound
from webapp.export_errors import ExportFailed, ExportNotReady, TooManyExports
from webapp.request_context import current_request
from webapp.resources import Resources
from webapp.services import footprint_maps, footprints
from webapp.services.export_states import deleted_values
from webapp.services.exports import ViewScope, plain_stem, require_format, require_limits, title_of
from webapp.services.footprints import FootprintQuery
from webapp.services.idempotency import Once, keep, require_first
from webapp.services.views import to_datetime, to_datetime_or_none

OPEN_MAX = 10
"""Unfinished exports of one person: each costs disk space and a worker's time."""
LIST_LIMIT = 200
OPEN_STATES = (ExportState.QUEUED, ExportState.RUNNING)


@dataclass(frozen=True, slots=True)
class ExportView:
    """An export as its owner sees it. `size_bytes` and `sha256` are those of the whole file, None until it is there."""

    id: str
    state: str
    format: str
    filename: str
    media_type: str
    rows_done: int
    rows_total: int
    size_bytes: int | None
    sha256: str | None
    attempt: int
    error_code: str | None
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    request_id: str | None = None
    """Of the request that asked for it."""

    @property
    def is_finished(self) -> bool:
        """Tell whether nothing will change any more."""
        return self.state not in OPEN_STATES


@dataclass(frozen=True)
class ExportFile:
    """A finished file, whole and checked when it was made. `read(start, end)` yields its bytes."""

    view: ExportView
    size_bytes: int
    sha256: str
    _resources: Resources = field(repr=False)
    _key: str = field(repr=False)

    def read(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to and without `end`. Raises `NotFound`, `StorageUnavailable`."""
        return self._resources.storage.read(self._key, start, end)


def submit_export(
    resources: Resources,
    principal: Principal,
    scope: FootprintQuery | ViewScope,
    format: str,
    once: Once[ExportView] | None = None,
) -> ExportView:
    """Note which footprints the export is to hold, as of now, and have a worker write them.

    Works with no broker, too. Raises as `exports.open_export`, `TooManyExports`, and for a request with a key what
    `idempotency.require_first` raises.
    """
    require_format(format)
    query = scope.query.footprints if isinstance(scope, ViewScope) else scope
    title = title_of(resources, principal, query.job_id)
    parts, rows_total = _packed(_ids(resources, principal, scope))
    export = Export(
        id=str(uuid.uuid4()),
        owner_id=principal.user_id,
        job_id=query.job_id,
        scene_id=query.scene_id,
        format=format,
        title=title[:300],
        rows_total=rows_total,
        max_attempts=resources.settings.max_attempts,
        request_id=current_request().id or None,
    )
    try:
        with resources.database.write(principal) as session:
            require_first(session, resources, once)
            _require_place(session, principal)
            _require_scene(session, principal, query.scene_id)
            session.add(export)
            session.flush()
            rows = [{"export_id": export.id, "part": part, "ids": ids} for part, ids in enumerate(parts)]
            if rows:
                session.execute(insert(ExportPart), rows)
            session.refresh(export)
            view = _view(export)
            keep(session, resources, once, view)
            return view
    except IntegrityError as error:  # the job or the scene was deleted a moment ago, or never was
        raise NotFound(kind="scene" if query.job_id is None else "job", id=query.job_id or query.scene_id) from error


def get_export(resources: Resources, principal: Principal, export_id: str) -> ExportView:
    """Return one export. Raises `NotFound`."""
    with resources.database.read(principal) as session:
        return _view(_found(session, principal, export_id))


def list_exports(resources: Resources, principal: Principal) -> list[ExportView]:
    """Return the newest exports, newest first."""
    with resources.database.read(principal) as session:
        return [_view(export) for export in queries.list_exports(session, principal.owner_filter, LIST_LIMIT)]


def export_file(resources: Resources, principal: Principal, export_id: str) -> ExportFile:
    """Return the file of a finished export. Raises `NotFound`, `ExportNotReady`, `ExportFailed`."""
    with resources.database.read(principal) as session:
        export = _found(session, principal, export_id)
        view, key = _view(export), export.storage_key
    if not view.is_finished:
        raise ExportNotReady(rows_done=view.rows_done, rows_total=view.rows_total)
    if key is None or view.size_bytes is None or view.sha256 is None:
        raise ExportFailed(detail=view.error_message or "Unknown reason.", error_code=view.error_code)
    return ExportFile(view, view.size_bytes, view.sha256, resources, key)


def delete_export(resources: Resources, principal: Principal, export_id: str) -> None:
    """Delete an export and its file; stop it where it is being written. Deleting it again is no error.

    Raises `NotFound` for what is not theirs.
    """
    with resources.database.write(principal) as session:
        export = queries.find_export(session, export_id, principal.owner_filter)
        if export is None:
            raise NotFound(kind="export", id=export_id)
        key = export.storage_key
        if export.state != str(ExportState.DELETED):
            queries.move_exports(session, deleted_values(resources), Export.id == export_id)
    if key is not None:
        resources.storage.delete(key)


def count_expired(resources: Resources) -> int:
    """Count the exports whose time is over."""
    with resources.database.read(SYSTEM) as session:
        return queries.count_expired(session)


def remove_expired(resources: Resources) -> int:
    """Remove exports whose time is over, with their files; return how many."""
    with resources.database.write(SYSTEM) as session:
        keys = queries.remove_expired(session)
    for key in keys:
        if key is not None:
            resources.storage.delete(key)
    return len(keys)


def _ids(resources: Resources, principal: Principal, scope: FootprintQuery | ViewScope) -> Iterator[NDArray[np.int64]]:
    if isinstance(scope, ViewScope):
        return footprint_maps.ids(resources, principal, scope.query, scope.bounds_m)
    require_limits(scope)
    return footprints.iter_ids(resources, principal, scope)


def _packed(chunks: Iterator[NDArray[np.int64]]) -> tuple[list[bytes], int]:
    """Return the parts as they are stored, and how many ids they hold."""
    parts, total = [], 0
    for ids in chunks:
        parts.append(zlib.compress(ids.astype("<i8").tobytes(), 1))
        total += len(ids)
    return parts, total


def _require_place(session: Session, principal: Principal) -> None:
    """Refuse more than `OPEN_MAX`; the row of the person is locked, so that they are counted one after the other."""
    session.execute(select(User.id).where(User.id == principal.user_id).with_for_update())
    if queries.count_open(session, principal.user_id) >= OPEN_MAX:
        raise TooManyExports(limit=OPEN_MAX)


def _require_scene(session: Session, principal: Principal, scene_id: str | None) -> None:
    """Answer for a scene of somebody else as for one that nobody has; the foreign key alone would tell them apart."""
    if scene_id is not None and find_scene(session, scene_id, principal.owner_filter) is None:
        raise NotFound(kind="scene", id=scene_id)


def _found(session: Session, principal: Principal, export_id: str) -> Export:
    export = queries.find_export(session, export_id, principal.owner_filter)
    if export is None or export.state == str(ExportState.DELETED):
        raise NotFound(kind="export", id=export_id)
    return export


def _view(export: Export) -> ExportView:
    format = FORMATS[export.format]
    return ExportView(
        id=export.id,
        state=export.state,
        format=export.format,
        filename=plain_stem(export.title) + format.suffix,
        media_type=format.media_type,
        rows_done=export.rows_done,
        rows_total=export.rows_total,
        size_bytes=export.size_bytes,
        sha256=export.sha256,
        attempt=export.attempt,
        error_code=export.error_code,
        error_message=export.error_message,
        created_at=to_datetime(export.created_at),
        started_at=to_datetime_or_none(export.started_at),
        finished_at=to_datetime_or_none(export.finished_at),
        expires_at=to_datetime_or_none(export.expires_at),
        request_id=export.request_id,
    )
