"""The main task: take a job, do its work, and turn however that went into one move of its state."""

from collections.abc import Callable
from functools import partial

import structlog

from models.job_states import JobState
from processing.errors import Cancelled, ProcessingError
from webapp.errors import AppError, ImportDiffers, LeaseLost, NotFound
from webapp.logs import lines_about
from webapp.resources import Resources
from webapp.services import leases
from webapp.services.claims import Beat, Claim, JobError
from webapp.services.import_leftovers import discard_leftovers
from webapp.tasks.context import WorkerContext
from webapp.tasks.extraction import extract_scene
from webapp.tasks.heartbeat import Heartbeat, HeldJob
from webapp.tasks.importing import import_file
from webapp.tasks.memory_limit import memory_exceeded
from webapp.tasks.patience import patiently

log = structlog.get_logger(__name__)


def run_job(context: WorkerContext, job_id: str) -> JobState | None:
    """Work on a job until it is finished or handed back; return its state, None if it was not ours (any more)."""
    resources = context.resources
    claim = leases.claim(resources, job_id, context.name)
    if claim is None:
        with lines_about(request_id=leases.request_of(resources, job_id), job_id=job_id):
            log.info("message_dropped")
        return None
    with lines_about(request_id=claim.request_id, job_id=job_id, attempt=claim.attempt):
        log.info("job_taken")
        try:
            state = _work(context, claim)
        except LeaseLost:
            log.warning("lease_lost")
            return None
        log.info("job_left", state=str(state))
        if claim.is_import and state is not JobState.SUCCEEDED:
            discard_leftovers(resources)
        return state


def _work(context: WorkerContext, claim: Claim) -> JobState:
    """Run the job and turn whatever happens into one move of its state. Raises `LeaseLost`."""
    with Heartbeat(context.resources, HeldJob(claim), context.is_shutting_down) as heart:
        done = _attempt(context, claim, heart)
        return done if isinstance(done, JobState) else patiently(context.resources, done)


def _attempt(context: WorkerContext, claim: Claim, heart: Heartbeat) -> JobState | Callable[[], JobState]:
    """Do the work; return the state that the job is in, or else the move that is left to do. Raises `LeaseLost`."""
    resources = context.resources
    try:
        return import_file(context, claim, heart) if claim.is_import else extract_scene(context, claim, heart)
    except Cancelled:
        return _stopped(resources, claim, heart.beat)
    except LeaseLost:
        raise
    except (ProcessingError, NotFound, ImportDiffers) as error:
        return partial(leases.finish, resources, claim, JobState.FAILED, JobError(error.code, str(error)))
    except MemoryError:
        return partial(leases.finish, resources, claim, JobState.FAILED, memory_exceeded(resources.settings))
    except Exception as error:
        log.exception("attempt_failed")
        reason = str(error) if isinstance(error, AppError) else f"Unexpected error ({type(error).__name__})."
        text = f"Attempt {claim.attempt} was stopped. {reason}"
        return partial(leases.hand_back, resources, claim, text, counted=True)


def _stopped(resources: Resources, claim: Claim, beat: Beat) -> Callable[[], JobState]:
    if beat.lost:
        raise LeaseLost(job_id=claim.job_id, attempt=claim.attempt)
    if beat.cancel_requested:
        return partial(leases.finish, resources, claim, JobState.CANCELLED)
    text = "The worker is being restarted; the job goes on after that."
    return partial(leases.hand_back, resources, claim, text, counted=False)
