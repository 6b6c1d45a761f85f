"""The worker's side of a job: taking it, staying its holder, saving parts, ending it.

Every write names the epoch of the claim and happens in one transaction with the lock of the job's row, so a worker
that was thought dead and comes back can change nothing.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from auth.principals import SYSTEM
from models.base import now_s
from models.footprint import BuildingFootprint
from models.footprint_writes import FootprintSource, insert_footprints
from models.job import JobKind, JobPart, ProcessingJob
from models.job_moves import Move, move_jobs, write_messages
from models.job_states import JobState
from models.scene import Scene, StoredFile
from models.state_endings import lock_state_of
from webapp.errors import LeaseLost
from webapp.resources import Resources
from webapp.services.claims import Beat, Claim, FinishedPart, JobError

NAME_MAX_LENGTH = 255


def claim(resources: Resources, job_id: str, owner: str) -> Claim | None:
    """Take a queued job; None if it is not to be had, and then its message is to be dropped.

    One conditional UPDATE: of several workers with the same message one gets it. The attempt is counted here, before
    any work, so that a job which kills its worker is counted, too.
    """
    taken = Move(
        JobState.RUNNING,
        values=(
            ("lease_owner", owner[:128]),
            ("lease_epoch", ProcessingJob.lease_epoch + 1),
            ("lease_until", now_s() + resources.settings.lease_s),
            ("attempt", ProcessingJob.attempt + 1),
            ("started_at", func.coalesce(ProcessingJob.started_at, now_s())),
            ("attempt_started_at", now_s()),
            ("progress_at", None),
        ),
    )
    conditions = (
        ProcessingJob.id == job_id,
        ProcessingJob.kind != str(JobKind.STATE),
        ProcessingJob.attempt < ProcessingJob.max_attempts,
        ProcessingJob.cancel_requested_at.is_(None),
    )
    with resources.database.write(SYSTEM) as session:
        lock_state_of(session, job_id)
        return _read_claim(session, job_id) if move_jobs(session, taken, *conditions) else None


def request_of(resources: Resources, job_id: str) -> str | None:
    """Return the id of the request that asked for a job; None where no request did, or there is no such job."""
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(ProcessingJob.request_id).where(ProcessingJob.id == job_id))


def claim_of(resources: Resources, job_id: str, owner: str) -> Claim | None:
    """Return the claim of a process that can no longer speak for itself; None where it does not hold the job."""
    held = (
        ProcessingJob.id == job_id,
        ProcessingJob.lease_owner == owner[:128],
        ProcessingJob.state == str(JobState.RUNNING),
    )
    with resources.database.read(SYSTEM) as session:
        return _read_claim(session, job_id) if session.scalar(select(ProcessingJob.id).where(*held)) else None


def heartbeat(resources: Resources, claim: Claim, windows_done: int = 0) -> Beat:
    """Hold the lease for another `lease_s`, and write the progress."""
    columns: dict[str, Any] = {"lease_until": now_s() + resources.settings.lease_s}
    if windows_done:
        columns |= progress(windows_done)
    with resources.database.write(SYSTEM) as session:
        return touch(session, claim, **columns)


def look(resources: Resources, claim: Claim) -> Beat:
    """Ask what `heartbeat` tells, without writing."""
    with resources.database.read(SYSTEM) as session:
        found = session.execute(select(ProcessingJob.cancel_requested_at).where(is_held(claim))).one_or_none()
    return Beat(cancel_requested=found is not None and found[0] is not None, lost=found is None)


def completed_parts(
    resources: Resources, claim: Claim, weights_sha256: str, weights_name: str | None = None
) -> dict[int, bytes]:
    """Return the payloads of the parts that earlier attempts finished. Raises `LeaseLost`.

    Where other weights made them, they and their footprints are removed: one job has one set of weights.
    """
    with resources.database.write(SYSTEM) as session:
        require_held(touch(session, claim, lease_owner=ProcessingJob.lease_owner), claim)
        job = ProcessingJob.id == claim.job_id
        if session.scalar(select(ProcessingJob.weights_sha256).where(job)) != weights_sha256:
            session.execute(delete(JobPart).where(JobPart.job_id == claim.job_id))
            session.execute(delete(BuildingFootprint).where(BuildingFootprint.job_id == claim.job_id))
            weights = {
                "weights_sha256": weights_sha256,
                "weights_name": weights_name and weights_name[:NAME_MAX_LENGTH],
            }
            touch(session, claim, **weights, footprint_count=0)
        rows = session.execute(select(JobPart.part, JobPart.payload).where(JobPart.job_id == claim.job_id)).all()
    return {part: bytes(payload) for part, payload in rows}


def start(resources: Resources, claim: Claim, windows_before: int, windows_total: int) -> None:
    """Write how much there is to do, and how much of it earlier attempts did. Raises `LeaseLost`."""
    columns = {
        "windows_done": windows_before,
        "windows_before": windows_before,
        "windows_total": windows_total,
        "attempt_started_at": now_s(),
    }
    with resources.database.write(SYSTEM) as session:
        require_held(touch(session, claim, **columns), claim)


def save_part(resources: Resources, claim: Claim, result: FinishedPart) -> Beat:
    """Save a part's payload, its footprints and the progress, all or nothing. Raises `LeaseLost`.

    Saving a part again, on a later attempt, changes nothing.
    """
    with resources.database.write(SYSTEM) as session:
        beat = touch(
            session,
            claim,
            lease_until=now_s() + resources.settings.lease_s,
            **progress(result.windows_done),
        )
        require_held(beat, claim)
        added = insert_footprints(session, claim.source, result.footprints)
        _keep_payload(session, claim.job_id, result)
        if added:
            touch(session, claim, footprint_count=ProcessingJob.footprint_count + added)
    return beat


def report(resources: Resources, claim: Claim, level: str, text: str) -> None:
    """Add a line to the job's log. Raises `LeaseLost`."""
    with resources.database.write(SYSTEM) as session:
        require_held(touch(session, claim, lease_owner=ProcessingJob.lease_owner), claim)
        write_messages(session, [claim.job_id], level, text)


def finish(resources: Resources, claim: Claim, state: JobState, error: JobError | None = None) -> JobState:
    """End the job; return the state that it ended in. Raises `LeaseLost`.

    Where a person asked to cancel before the end, the end is `cancelled`: their wish was first. An import succeeds by
    `imports.publish`; ended here, it leaves nothing.
    """
    with resources.database.write(SYSTEM) as session:
        lock_state_of(session, claim.job_id)
        beat = touch(session, claim, lease_owner=ProcessingJob.lease_owner)
        require_held(beat, claim)
        ends_in = JobState.CANCELLED if beat.cancel_requested and state is JobState.SUCCEEDED else state
        number, area_m2 = (0, 0.0) if claim.is_import else _stored(session, claim.job_id)
        words = "Cancelled; nothing was imported." if claim.is_import else _last_words(ends_in, number, area_m2)
        move = Move(
            ends_in,
            level="info" if error is None else "error",
            text=error.message if error else words,
            error_code=error.code if error else None,
            values=(("footprint_count", number),),
        )
        move_jobs(session, move, is_held(claim))
    return ends_in


def hand_back(resources: Resources, claim: Claim, text: str, *, counted: bool) -> JobState:
    """Return the job to the queue; return its new state. Raises `LeaseLost`.

    A worker that is shut down takes its attempt away again (`counted=False`). Where a counted attempt was the last
    one the job is dead.
    """
    with resources.database.write(SYSTEM) as session:
        lock_state_of(session, claim.job_id)
        beat = touch(session, claim, lease_owner=ProcessingJob.lease_owner)
        require_held(beat, claim)
        if beat.cancel_requested:
            move = Move(JobState.CANCELLED, text="Cancelled.")
        elif counted and claim.attempt >= claim.max_attempts:
            move = Move(JobState.DEAD, "error", f"{text} Given up after {claim.attempt} attempts.", "TooManyAttempts")
        else:
            taken_away = 0 if counted else 1
            move = Move(
                JobState.QUEUED,
                "warning" if counted else "info",
                text,
                values=(("attempt", ProcessingJob.attempt - taken_away),),
            )
        move_jobs(session, move, is_held(claim))
    return move.to


def _read_claim(session: Session, job_id: str) -> Claim:
    job, info, key, file_name = session.execute(
        select(ProcessingJob, Scene.info, StoredFile.storage_key, StoredFile.name)
        .outerjoin(Scene, Scene.id == ProcessingJob.scene_id)
        .join(StoredFile, StoredFile.id == func.coalesce(ProcessingJob.file_id, Scene.file_id))
        .where(ProcessingJob.id == job_id)
    ).one()
    return Claim(
        job_id=job_id,
        lease_epoch=job.lease_epoch,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        source=FootprintSource(job_id, job.scene_id, job.owner_id),
        params=job.params,
        aoi_geojson=job.aoi_geojson,
        scene_info=info,
        storage_key=key,
        file_name=file_name,
        request_id=job.request_id,
    )


def is_held(claim: Claim) -> ColumnElement[bool]:
    """The job is still ours."""
    return and_(
        ProcessingJob.id == claim.job_id,
        ProcessingJob.lease_epoch == claim.lease_epoch,
        ProcessingJob.state == str(JobState.RUNNING),
    )


def _stored(session: Session, job_id: str) -> tuple[int, float]:
    """Return how many footprints of a job are stored, and their area in m²."""
    table = BuildingFootprint
    sums = select(func.count(table.id), func.sum(table.area_m2)).where(table.job_id == job_id)
    number, area_m2 = session.execute(sums).one()
    return number, area_m2 or 0.0


def touch(session: Session, claim: Claim, **columns: Any) -> Beat:
    """Write columns of the job if it is ours, and lock its row until the transaction ends."""
    statement = (
        update(ProcessingJob)
        .where(is_held(claim))
        .values(**columns)
        .returning(ProcessingJob.cancel_requested_at)
        .execution_options(synchronize_session=False)
    )
    found = session.execute(statement).one_or_none()
    return Beat(cancel_requested=found is not None and found[0] is not None, lost=found is None)


def require_held(beat: Beat, claim: Claim) -> None:
    """Go on only while the job is ours. Raises `LeaseLost`."""
    if beat.lost:
        raise LeaseLost(job_id=claim.job_id, attempt=claim.attempt)


def _keep_payload(session: Session, job_id: str, result: FinishedPart) -> None:
    mine = and_(JobPart.job_id == job_id, JobPart.part == result.part)
    kept = session.scalar(select(JobPart.payload).where(mine))
    if kept is None:
        session.execute(insert(JobPart).values(job_id=job_id, part=result.part, payload=result.payload))
    elif bytes(kept) != result.payload:  # a damaged one was computed anew
        session.execute(update(JobPart).where(mine).values(payload=result.payload))


def progress(windows_done: int) -> dict[str, Any]:
    """Return the columns of progress; it never falls, though a later attempt counts what is done already again."""
    done = ProcessingJob.windows_done
    return {"windows_done": case((done < windows_done, windows_done), else_=done), "progress_at": now_s()}


def _last_words(state: JobState, number: int, area_m2: float) -> str:
    if state is JobState.CANCELLED:
        return f"Cancelled; the {number} buildings found until then are kept."
    return f"Finished: {number} buildings, {area_m2:,.0f} m² in all."
