"""Jobs as a person knows them: asking for one, looking at it, stopping it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from shapely.geometry import mapping
from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from auth.principals import Principal
from models.base import now_s
from models.job import JobKind, ProcessingJob
from models.job_moves import Move, add_job, end_states, move_jobs, write_messages
from models.job_states import JobState
from models.queries import jobs as queries
from models.queries import scenes as scene_queries
from models.queries.state_jobs import ask_parts_to_stop, sums_of_parts
from models.state_endings import lock_state_of
from processing.aoi import read_aoi, region_in_scene
from processing.params import ExtractionParams
from processing.scene import SceneInfo
from processing.windows import working_grid
from webapp.errors import NotFound
from webapp.request_context import current_request
from webapp.resources import Resources
from webapp.services import models
from webapp.services.idempotency import Once, keep, require_first
from webapp.services.quotas import spend
from webapp.services.state_views import with_parts
from webapp.services.us_states import us_states
from webapp.services.views import JobView, MessageView, to_datetime, to_datetime_or_none

LIST_LIMIT_MAX = 500
MESSAGES_MAX = 500


def submit_extraction(
    resources: Resources,
    principal: Principal,
    scene_id: str,
    params: ExtractionParams,
    aoi_geojson: Mapping[str, Any] | None = None,
    once: Once[JobView] | None = None,
) -> JobView:
    """Write a job and the message that announces it in one transaction; works with no broker, too.

    `aoi_geojson` is a polygon in EPSG:4326. Raises `NotFound`, `QuotaExceeded`, `AoiInvalid`, `AoiOutsideScene`,
    `WeightsUnknown`, `EnsembleInvalid`, `PixelSizeTooLarge` or `PixelSizeTooSmall` for a scene that the weights
    cannot work on, and for a request with a key what `idempotency.require_first` raises.
    """
    card = models.card_of(resources, params.weights)
    job_id = str(uuid.uuid4())
    with resources.database.write(principal) as session:
        require_first(session, resources, once)
        spend(session, resources, principal, "jobs")
        row = scene_queries.find_scene(session, scene_id, principal.owner_filter)
        if row is None:
            raise NotFound(kind="scene", id=scene_id)
        info = SceneInfo.from_json(row[0].info)
        working_grid(info, card, params)
        job = ProcessingJob(
            id=job_id,
            owner_id=principal.user_id,
            scene_id=scene_id,
            params=params.to_json(),
            gsd_m=params.gsd_m or info.gsd_m,
            aoi_geojson=_checked_aoi(info, aoi_geojson),
            max_attempts=resources.settings.max_attempts,
            request_id=current_request().id or None,
        )
        try:
            add_job(session, job)
        except IntegrityError as error:  # the scene was deleted a moment ago
            raise NotFound(kind="scene", id=scene_id) from error
        view = view_of(_found(queries.find_job(session, job_id, principal.owner_filter), job_id))
        keep(session, resources, once, view)
    return view


def get_job(resources: Resources, principal: Principal, job_id: str) -> JobView:
    """Return one job. Raises `NotFound`."""
    with resources.database.read(principal) as session:
        return views_of(session, [_found(queries.find_job(session, job_id, principal.owner_filter), job_id)])[0]


def list_jobs(resources: Resources, principal: Principal, limit: int = 50, before: str | None = None) -> list[JobView]:
    """Return jobs, newest first; `before` is the id of the last job already seen. Raises `NotFound` for a wrong id."""
    with resources.database.read(principal) as session:
        cursor = None
        if before is not None:
            job = _found(queries.find_job(session, before, principal.owner_filter), before)[0]
            cursor = (job.created_at, job.id)
        rows = queries.list_jobs(session, principal.owner_filter, min(max(limit, 1), LIST_LIMIT_MAX), cursor)
        return views_of(session, rows)


def cancel_job(resources: Resources, principal: Principal, job_id: str) -> JobView:
    """Ask a job to stop: at once where it waits, within seconds where it runs; a finished one stays as it is."""
    with resources.database.write(principal) as session:
        _found(queries.find_job(session, job_id, principal.owner_filter), job_id)
        lock_state_of(session, job_id)
        asked = session.scalars(
            update(ProcessingJob)
            .where(
                ProcessingJob.id == job_id,
                ProcessingJob.finished_at.is_(None),
                ProcessingJob.cancel_requested_at.is_(None),
            )
            .values(cancel_requested_at=now_s())
            .returning(ProcessingJob.id)
            .execution_options(synchronize_session=False)
        ).all()
        if asked:
            write_messages(session, [job_id], "info", f"{principal.username} asked to cancel the job.")
        ask_parts_to_stop(session, ProcessingJob.id == job_id)
        move = Move(JobState.CANCELLED, text="Cancelled before it began.")
        own = or_(ProcessingJob.id == job_id, ProcessingJob.parent_id == job_id)
        for_workers = ProcessingJob.kind != str(JobKind.STATE)
        move_jobs(session, move, own, for_workers, ProcessingJob.state == str(JobState.QUEUED))
        end_states(session, [job_id])
    return get_job(resources, principal, job_id)


def job_messages(resources: Resources, principal: Principal, job_id: str) -> list[MessageView]:
    """Return the job's log, oldest line first. Raises `NotFound`."""
    with resources.database.read(principal) as session:
        _found(queries.find_job(session, job_id, principal.owner_filter), job_id)
        rows = queries.list_messages(session, job_id, MESSAGES_MAX)
        return [MessageView(to_datetime(row.at), row.level, row.text) for row in rows]


def _checked_aoi(info: SceneInfo, aoi_geojson: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the mended region as GeoJSON; what lies wholly outside is refused now, not by the worker later."""
    if aoi_geojson is None:
        return None
    aoi = read_aoi(aoi_geojson)
    region_in_scene(info, aoi, info.outline.centroid.x)
    return dict(json.loads(json.dumps(mapping(aoi))))  # as it will be read back: lists, no tuples


def _found(row: queries.JobRow | None, job_id: str) -> queries.JobRow:
    if row is None:
        raise NotFound(kind="job", id=job_id)
    return row


def views_of(session: Session, rows: Sequence[queries.JobRow]) -> list[JobView]:
    """Return the rows of jobs in plain values; one of a whole state shows the sums of its parts."""
    wholes = [row[0].id for row in rows if row[0].kind == JobKind.STATE]
    sums = sums_of_parts(session, wholes) if wholes else {}
    return [with_parts(view_of(row), row, sums.get(row[0].id)) for row in rows]


def view_of(row: queries.JobRow) -> JobView:
    """Return a job's row in plain values."""
    job, scene_name, file_name, owner, now = row
    return JobView(
        id=job.id,
        scene_id=job.scene_id,
        scene_name=scene_name,
        owner=owner,
        state=job.state,
        percent_completed=_percent(job),
        windows_done=job.windows_done,
        windows_total=job.windows_total,
        eta_s=_eta_s(job, now),
        footprint_count=job.footprint_count,
        attempt=job.attempt,
        error_code=job.error_code,
        error_message=job.error_message,
        created_at=to_datetime(job.created_at),
        started_at=to_datetime_or_none(job.started_at),
        finished_at=to_datetime_or_none(job.finished_at),
        cancel_requested=job.cancel_requested_at is not None,
        params=job.params,
        aoi_geojson=job.aoi_geojson,
        gsd_m=job.gsd_m,
        weights_name=job.weights_name,
        weights_sha256=job.weights_sha256,
        kind=job.kind,
        file_name=file_name,
        us_state=job.us_state and us_states().find(job.us_state).name,
        parent_id=job.parent_id,
        request_id=job.request_id,
    )


def _percent(job: ProcessingJob) -> float:
    if job.state == JobState.SUCCEEDED:
        return 100.0
    return round(100.0 * job.windows_done / job.windows_total, 1) if job.windows_total else 0.0


def _eta_s(job: ProcessingJob, now: float) -> float | None:
    """Extrapolate from the windows of the present attempt alone: what earlier ones did cost no time in this one."""
    done = job.windows_done - job.windows_before
    if job.state != JobState.RUNNING or done <= 0 or job.progress_at is None or job.attempt_started_at is None:
        return None
    per_window_s = (job.progress_at - job.attempt_started_at) / done
    return max(0.0, (job.windows_total - job.windows_done) * per_window_s - (now - job.progress_at))
