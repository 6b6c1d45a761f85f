"""From the job table to the broker, and back on the feet: the relay and the reconciler.

The broker may lose everything at any time. What is queued stands in the table, and is sent again.
"""

from dataclasses import asdict, dataclass

import structlog
from sqlalchemy.orm import Session

from auth.principals import SYSTEM
from models.job_moves import Move, end_states, move_jobs
from models.job_states import JobState
from models.queries import dispatch as queries
from models.queries.state_jobs import ask_parts_to_stop
from models.state_endings import lock_states
from webapp.errors import BrokerUnavailable
from webapp.logs import lines_about
from webapp.queue import TASKS
from webapp.resources import Resources
from webapp.services.import_leftovers import discard_leftovers
from webapp.services.state_parts import hand_out_parts

BATCH = 100
LEFTOVERS_SOUGHT_S = 3600.0
"""Imports that ended longer ago are left to the daily clearing up."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many jobs were put right."""

    requeued: int
    dead: int
    cancelled: int
    sent_again: int


def publish_outbox(resources: Resources) -> int:
    """Send all messages that wait; return how many were sent. A broker that does not answer ends the round.

    A message may be sent twice if this process dies between sending and noting it: the claim makes that harmless.
    """
    hand_out_parts(resources)
    sent = 0
    while True:
        with resources.database.read(SYSTEM) as session:
            rows = queries.unpublished(session, BATCH)
        done: list[int] = []
        try:
            for outbox_id, job_id, state, kind, request_id in rows:
                if state == JobState.QUEUED:
                    resources.queue.publish(TASKS[kind], job_id)
                    sent += 1
                    with lines_about(request_id=request_id, job_id=job_id):
                        log.info("job_sent")
                done.append(outbox_id)
        except BrokerUnavailable as error:
            log.warning("broker_unavailable", detail=error.parameters["detail"], waiting=len(rows) - len(done))
            rows = []
        if done:
            with resources.database.write(SYSTEM) as session:
                queries.mark_published(session, done)
        if len(rows) < BATCH:
            return sent


def reconcile(resources: Resources) -> Reconciled:
    """End or requeue jobs whose worker is gone, clear up after imports, send again what the broker lost."""
    with resources.database.write(SYSTEM) as session:
        wholes = lock_states(session)
        ask_parts_to_stop(session)
        cancelled = _cancel(session, resources.settings.cancel_grace_s)
        dead = _bury(session)
        requeued = _requeue(session)
        end_states(session, wholes)
        requests = queries.request_ids(session, cancelled + dead + requeued)
    for state, moved in ((JobState.CANCELLED, cancelled), (JobState.DEAD, dead), (JobState.QUEUED, requeued)):
        for job_id in moved:
            with lines_about(request_id=requests[job_id], job_id=job_id):
                log.warning("job_put_right", state=str(state))
    discard_leftovers(resources, LEFTOVERS_SOUGHT_S)
    result = Reconciled(len(requeued), len(dead), len(cancelled), _send_again(resources))
    if result != Reconciled(0, 0, 0, 0):
        log.info("reconciled", **asdict(result))
    return result


def _cancel(session: Session, grace_s: float) -> list[str]:
    silent = Move(JobState.CANCELLED, text="Cancelled; its worker had stopped.")
    waiting = Move(JobState.CANCELLED, text="Cancelled before it began.")
    running, queued = queries.has_state(JobState.RUNNING), queries.has_state(JobState.QUEUED)
    ids = move_jobs(session, silent, running, queries.is_for_workers(), queries.cancel_ignored(grace_s))
    ids += move_jobs(session, silent, running, queries.lease_expired(), queries.cancel_requested())
    ids += move_jobs(session, waiting, queued, queries.is_for_workers(), queries.cancel_requested())
    return ids


def _bury(session: Session) -> list[str]:
    text = "The worker stopped without a word at every attempt; it may need more memory than there is."
    dead = Move(JobState.DEAD, level="error", text=text, error_code="WorkerLost")
    expired = (queries.has_state(JobState.RUNNING), queries.lease_expired(), queries.attempts_used_up())
    ids = move_jobs(session, dead, *expired)
    ids += move_jobs(session, dead, queries.has_state(JobState.QUEUED), queries.attempts_used_up())
    return ids


def _requeue(session: Session) -> list[str]:
    again = Move(JobState.QUEUED, level="warning", text="The worker stopped; the job waits for the next one.")
    return move_jobs(session, again, queries.has_state(JobState.RUNNING), queries.lease_expired())


def _send_again(resources: Resources) -> int:
    """Mark messages as unsent where the broker holds fewer than there are queued jobs: it has lost some."""
    with resources.database.read(SYSTEM) as session:
        queued = queries.count_queued(session)
    if not queued:
        return 0
    try:
        if resources.queue.waiting() >= queued:
            return 0
    except BrokerUnavailable:
        return 0
    with resources.database.write(SYSTEM) as session:
        return queries.send_again(session, resources.settings.republish_s)
