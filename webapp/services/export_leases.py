"""The worker's side of an export: taking it, staying its holder, ending it. Each write names the claim's epoch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from auth.principals import SYSTEM, Principal, Role
from models.base import now_s
from models.export import Export, ExportState
from models.queries import exports as queries
from models.user import User
from webapp.export_errors import ExportLost
from webapp.resources import Resources
from webapp.services.claims import Beat, JobError
from webapp.services.export_states import ended_values, unpacked


@dataclass(frozen=True, slots=True)
class ExportClaim:
    """The right to write an export, and what it needs. `principal` may see now what its owner may see now."""

    export_id: str
    lease_epoch: int
    attempt: int
    max_attempts: int
    principal: Principal
    format: str
    title: str
    rows_total: int
    request_id: str | None = None
    """Of the request that asked for the export."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A whole file in the storage."""

    storage_key: str
    size_bytes: int
    sha256: str


def claim(resources: Resources, export_id: str, owner: str) -> ExportClaim | None:
    """Take a queued export; None if it is not to be had. Of several workers one gets it, and the attempt is counted."""
    values: dict[str, Any] = {
        "state": str(ExportState.RUNNING),
        "lease_owner": owner[:128],
        "lease_epoch": Export.lease_epoch + 1,
        "lease_until": now_s() + resources.settings.lease_s,
        "attempt": Export.attempt + 1,
        "started_at": now_s(),
        "rows_done": 0,
    }
    mine = (Export.id == export_id, Export.state == queries.QUEUED, Export.attempt < Export.max_attempts)
    with resources.database.write(SYSTEM) as session:
        if not queries.move_exports(session, values, *mine):
            return None
        return _read_claim(session, export_id)


def claim_of(resources: Resources, export_id: str, owner: str) -> ExportClaim | None:
    """Return the claim of a process that can no longer speak for itself; None where it does not hold the export."""
    held = (Export.id == export_id, Export.lease_owner == owner[:128], Export.state == queries.RUNNING)
    with resources.database.read(SYSTEM) as session:
        return _read_claim(session, export_id) if session.scalar(select(Export.id).where(*held)) else None


def request_of(resources: Resources, export_id: str) -> str | None:
    """Return the id of the request that asked for an export; None where no request did, or there is no such export."""
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(Export.request_id).where(Export.id == export_id))


def heartbeat(resources: Resources, claim: ExportClaim, rows_done: int = 0) -> Beat:
    """Hold the lease for another `lease_s`, and write the progress."""
    values: dict[str, Any] = {"lease_until": now_s() + resources.settings.lease_s}
    if rows_done:
        values["rows_done"] = rows_done
    with resources.database.write(SYSTEM) as session:
        return _beat(bool(queries.move_exports(session, values, _mine(claim))))


def look(resources: Resources, claim: ExportClaim) -> Beat:
    """Ask what `heartbeat` tells, without writing."""
    with resources.database.read(SYSTEM) as session:
        return _beat(session.scalar(select(Export.id).where(_mine(claim))) is not None)


def chosen_ids(resources: Resources, claim: ExportClaim) -> Iterator[NDArray[np.int64]]:
    """Yield the ids of the footprints that the export is to hold."""
    part = 0
    while True:
        with resources.database.read(SYSTEM) as session:
            found = queries.parts_of(session, claim.export_id, part, 1)
        if not found:
            return
        yield unpacked(found[0])
        part += 1


def succeed(resources: Resources, claim: ExportClaim, made: MadeFile) -> ExportState:
    """Put the file on the row: from here on it can be downloaded. Raises `ExportLost`."""
    values = {
        "rows_done": claim.rows_total,
        "storage_key": made.storage_key,
        "size_bytes": made.size_bytes,
        "sha256": made.sha256,
    }
    return _end(resources, claim, ExportState.SUCCEEDED, values)


def fail(resources: Resources, claim: ExportClaim, error: JobError) -> ExportState:
    """End the export with a reason. Raises `ExportLost`."""
    return _end(resources, claim, ExportState.FAILED, {"error_code": error.code, "error_message": error.message})


def hand_back(resources: Resources, claim: ExportClaim, reason: str, *, counted: bool) -> ExportState:
    """Return the export to the queue, or end it where a counted attempt was the last one. Raises `ExportLost`."""
    if counted and claim.attempt >= claim.max_attempts:
        text = f"{reason} Given up after {claim.attempt} attempts."
        return fail(resources, claim, JobError("TooManyAttempts", text))
    taken_away = 0 if counted else 1
    with resources.database.write(SYSTEM) as session:
        values = requeued_values() | {"attempt": Export.attempt - taken_away}
        _require(queries.move_exports(session, values, _mine(claim)), claim)
    return ExportState.QUEUED


def requeued_values() -> dict[str, Any]:
    """Return the columns of an export that waits again; its message is to be sent."""
    return {"state": queries.QUEUED, "lease_owner": None, "lease_until": None, "published_at": None, "rows_done": 0}


def _read_claim(session: Session, export_id: str) -> ExportClaim:
    export, person = session.execute(
        select(Export, User).join(User, User.id == Export.owner_id).where(Export.id == export_id)
    ).one()
    return ExportClaim(
        export_id=export.id,
        lease_epoch=export.lease_epoch,
        attempt=export.attempt,
        max_attempts=export.max_attempts,
        principal=Principal(person.id, person.username, Role(person.role)),
        format=export.format,
        title=export.title,
        rows_total=export.rows_total,
        request_id=export.request_id,
    )


def _end(resources: Resources, claim: ExportClaim, state: ExportState, values: dict[str, Any]) -> ExportState:
    with resources.database.write(SYSTEM) as session:
        _require(queries.move_exports(session, ended_values(resources, state) | values, _mine(claim)), claim)
    return state


def _mine(claim: ExportClaim) -> ColumnElement[bool]:
    return and_(Export.id == claim.export_id, Export.lease_epoch == claim.lease_epoch, Export.state == queries.RUNNING)


def _beat(is_mine: bool) -> Beat:
    return Beat(cancel_requested=False, lost=not is_mine)


def _require(moved: list[str], claim: ExportClaim) -> None:
    if not moved:
        raise ExportLost(export_id=claim.export_id, attempt=claim.attempt)
