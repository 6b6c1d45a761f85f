"""Jobs of whole states: a row that people see as one job, and a part for each scene, which workers take as any other.

Workers get a few parts at a time (`state_parts`); the row ends with the last of them (`models.state_endings`).
"""

import uuid
from collections.abc import Iterable

from shapely.geometry import mapping
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from auth.principals import Principal
from models.job import JobKind, ProcessingJob
from models.job_moves import write_messages
from models.job_states import JobState
from models.queries import jobs as job_queries
from models.queries import state_jobs as queries
from models.queries.scenes import keep_scenes
from processing.params import ExtractionParams
from webapp.building_errors import JobNotRetryable
from webapp.errors import NotFound
from webapp.request_context import current_request
from webapp.resources import Resources
from webapp.services.idempotency import Once, keep, require_first
from webapp.services.jobs import views_of
from webapp.services.quotas import require_some, spend
from webapp.services.state_planning import StatePlan, plan_state
from webapp.services.state_views import PartView, part_view
from webapp.services.views import JobView


def submit_state(
    resources: Resources,
    principal: Principal,
    state: str,
    params: ExtractionParams,
    once: Once[JobView] | None = None,
) -> JobView:
    """Queue a job over all scenes of the person that meet a state; everything is written at once, or nothing.

    Raises as `state_planning.plan_state`, `QuotaExceeded` (of states), and `NotFound` for a scene that was deleted a
    moment ago; with `once` also `AlreadyAnswered`, `IdempotencyKeyReused` and `IdempotencyKeyInFlight`.
    """
    require_some(resources, principal, "states")
    plan = plan_state(resources, principal, state, params)
    whole = ProcessingJob(
        id=str(uuid.uuid4()),
        owner_id=principal.user_id,
        kind=str(JobKind.STATE),
        us_state=plan.state.code,
        params=params.to_json(),
        max_attempts=resources.settings.max_attempts,
        request_id=current_request().id or None,
    )
    with resources.database.write(principal) as session:
        require_first(session, resources, once)
        spend(session, resources, principal, "states")
        _require_scenes(session, [part.scene_id for part in plan.parts])
        session.add(whole)
        session.flush()
        session.add_all(_parts_of(whole, plan))
        session.flush()
        write_messages(session, [whole.id], "info", plan.summary)
        for remark in plan.remarks:
            write_messages(session, [whole.id], "warning", remark)
        made = _view(session, principal, whole.id)
        keep(session, resources, once, made)
    return made


def list_parts(resources: Resources, principal: Principal, job_id: str) -> list[PartView]:
    """Return the parts of a job of a whole state, by the names of their scenes; else none. Raises `NotFound`."""
    with resources.database.read(principal) as session:
        if job_queries.find_job(session, job_id, principal.owner_filter) is None:
            raise NotFound(kind="job", id=job_id)
        return [part_view(row) for row in queries.list_parts(session, job_id)]


def retry_state(
    resources: Resources, principal: Principal, job_id: str, once: Once[JobView] | None = None
) -> JobView:
    """Queue a new job for the parts that did not succeed; it takes over those that did, and stays with their owner.

    It spends one of the asker's jobs, not of their states. Raises `QuotaExceeded`, `NotFound`,
    `JobNotRetryable`; with `once` as `submit_state`.
    """
    new_id = str(uuid.uuid4())
    with resources.database.write(principal) as session:
        require_first(session, resources, once)
        spend(session, resources, principal, "jobs")
        if job_queries.find_job(session, job_id, principal.owner_filter) is None:
            raise NotFound(kind="job", id=job_id)
        whole = session.scalars(select(ProcessingJob).where(ProcessingJob.id == job_id).with_for_update()).one()
        failed = [part for part, _ in queries.list_parts(session, job_id) if part.state != JobState.SUCCEEDED]
        if whole.finished_at is None or not failed:
            raise JobNotRetryable(job_id=job_id, state=whole.state)
        session.add(_again(whole, new_id))
        session.flush()
        number = _take_over(session, job_id, new_id)
        session.add_all(_part_again(part, new_id) for part in failed)
        session.flush()
        told = f"Job {job_id} once more: {len(failed)} scenes again; {number} that succeeded were taken over."
        write_messages(session, [new_id], "info", told)
        write_messages(session, [job_id], "info", f"Asked for once more as job {new_id}, which has what succeeded.")
        made = _view(session, principal, new_id)
        keep(session, resources, once, made)
    return made


def _view(session: Session, principal: Principal, job_id: str) -> JobView:
    row = job_queries.find_job(session, job_id, principal.owner_filter)
    if row is None:
        raise NotFound(kind="job", id=job_id)
    return views_of(session, [row])[0]


def _require_scenes(session: Session, scene_ids: list[str]) -> None:
    gone = set(scene_ids) - keep_scenes(session, scene_ids)
    if gone:
        raise NotFound(kind="scene", id=min(gone))


def _parts_of(whole: ProcessingJob, plan: StatePlan) -> Iterable[ProcessingJob]:
    for part in plan.parts:
        yield ProcessingJob(
            id=str(uuid.uuid4()),
            owner_id=whole.owner_id,
            parent_id=whole.id,
            scene_id=part.scene_id,
            params=whole.params,
            gsd_m=part.gsd_m,
            aoi_geojson=None if part.region is None else dict(mapping(part.region)),
            windows_total=part.windows,
            max_attempts=whole.max_attempts,
            request_id=whole.request_id,
        )


def _again(whole: ProcessingJob, new_id: str) -> ProcessingJob:
    return ProcessingJob(
        id=new_id,
        owner_id=whole.owner_id,
        kind=whole.kind,
        us_state=whole.us_state,
        params=whole.params,
        max_attempts=whole.max_attempts,
        request_id=current_request().id or None,
    )


def _part_again(part: ProcessingJob, new_id: str) -> ProcessingJob:
    return ProcessingJob(
        id=str(uuid.uuid4()),
        owner_id=part.owner_id,
        parent_id=new_id,
        scene_id=part.scene_id,
        params=part.params,
        gsd_m=part.gsd_m,
        aoi_geojson=part.aoi_geojson,
        windows_total=part.windows_total,
        max_attempts=part.max_attempts,
        request_id=current_request().id or None,
    )


def _take_over(session: Session, old_id: str, new_id: str) -> int:
    """Make what succeeded parts of the new job; return how many parts that are."""
    done = (ProcessingJob.parent_id == old_id, ProcessingJob.state == str(JobState.SUCCEEDED))
    number, windows = session.execute(
        select(func.count(), func.coalesce(func.sum(ProcessingJob.windows_done), 0)).where(*done)
    ).one()
    before = update(ProcessingJob).where(ProcessingJob.id == new_id).values(windows_before=int(windows))
    moved = update(ProcessingJob).where(*done).values(parent_id=new_id)
    for statement in (before, moved):
        session.execute(statement.execution_options(synchronize_session=False))
    return int(number)
