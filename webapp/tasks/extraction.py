"""The main task: take the job, run the pipeline, save each part, end the job. Services decide; this connects."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from models.job_states import JobState
from processing.detector.protocol import Detector
from processing.errors import Cancelled, ProcessingError
from processing.params import ExtractionParams
from processing.pipeline import ExtractionPlan, extract, plan_extraction
from processing.scene import SceneInfo
from webapp.errors import AppError, LeaseLost, NotFound
from webapp.resources import Resources
from webapp.services import leases
from webapp.services.claims import Beat, Claim, JobError
from webapp.tasks.heartbeat import Heartbeat, HeldJob
from webapp.tasks.patience import patiently

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class WorkerContext:
    """What a worker process gives to its tasks. `load` returns the detector of named weights, kept between jobs."""

    resources: Resources
    name: str
    load: Callable[[str], Detector]
    is_shutting_down: Callable[[], bool] = lambda: False


def run_extraction(context: WorkerContext, job_id: str) -> JobState | None:
    """Work on a job until it is finished or handed back; return its state, None if it was not ours (any more)."""
    resources = context.resources
    claim = leases.claim(resources, job_id, context.name)
    if claim is None:
        log.info("message_dropped", job_id=job_id)
        return None
    with structlog.contextvars.bound_contextvars(job_id=job_id, attempt=claim.attempt):
        log.info("job_taken")
        try:
            state = _work(context, claim)
        except LeaseLost:
            log.warning("lease_lost")
            return None
        log.info("job_left", state=str(state))
        return state


def _work(context: WorkerContext, claim: Claim) -> JobState:
    """Run the job and turn whatever happens into one move of its state. Raises `LeaseLost`."""
    with Heartbeat(context.resources, HeldJob(claim), context.is_shutting_down) as heart:
        move = _attempt(context, claim, heart)
        return patiently(context.resources, move)


def _attempt(context: WorkerContext, claim: Claim, heart: Heartbeat) -> Callable[[], JobState]:
    """Run the pipeline and return the move that follows from how it went. Raises `LeaseLost`."""
    resources = context.resources
    try:
        _run_pipeline(context, claim, heart)
    except Cancelled:
        return _stopped(resources, claim, heart.beat)
    except LeaseLost:
        raise
    except (ProcessingError, NotFound) as error:
        return partial(leases.finish, resources, claim, JobState.FAILED, JobError(error.code, str(error)))
    except Exception as error:
        log.exception("attempt_failed")
        reason = str(error) if isinstance(error, AppError) else f"Unexpected error ({type(error).__name__})."
        text = f"Attempt {claim.attempt} was stopped. {reason}"
        return partial(leases.hand_back, resources, claim, text, counted=True)
    return partial(leases.finish, resources, claim, JobState.SUCCEEDED)


def _run_pipeline(context: WorkerContext, claim: Claim, heart: Heartbeat) -> None:
    resources = context.resources
    params = ExtractionParams.from_json(dict(claim.params))
    path = resources.storage.local_path(claim.storage_key)
    detector = context.load(params.weights)
    plan = plan_extraction(SceneInfo.from_json(dict(claim.scene_info)), detector.card, params, claim.aoi_geojson)
    completed = leases.completed_parts(resources, claim, detector.card.weights_sha256, detector.card.name)
    _announce(resources, claim, plan, set(completed))
    results = extract(
        path, plan, detector, completed=completed, should_stop=heart.should_stop, on_window=heart.on_window
    )
    for result in results:
        beat = patiently(resources, partial(leases.save_part, resources, claim, result))
        if beat.must_stop or heart.should_stop():
            raise Cancelled()


def _announce(resources: Resources, claim: Claim, plan: ExtractionPlan, completed: set[int]) -> None:
    """Write the size of the work, and a line for the owner."""
    windows_before = sum(len(part.windows) for part in plan.parts if part.index in completed)
    leases.start(resources, claim, windows_before, plan.windows_total)
    info = plan.info
    facts = (
        f"{info.name}, {info.width_px} x {info.height_px} px at {info.gsd_m:.2f} m, "
        f"{plan.area_m2 / 1e6:.3f} km² in {plan.windows_total} windows"
    )
    begins = f"Resumed at part {len(completed) + 1} of {len(plan.parts)}" if completed else "Started"
    leases.report(resources, claim, "info", f"{begins}: {facts}.")


def _stopped(resources: Resources, claim: Claim, beat: Beat) -> Callable[[], JobState]:
    if beat.lost:
        raise LeaseLost(job_id=claim.job_id, attempt=claim.attempt)
    if beat.cancel_requested:
        return partial(leases.finish, resources, claim, JobState.CANCELLED)
    text = "The worker is being restarted; the job goes on after that."
    return partial(leases.hand_back, resources, claim, text, counted=False)
