"""The parts of jobs of whole states on their way to the workers: a few at a time, so that others get their turn."""

from auth.principals import SYSTEM
from models.job_moves import enqueue
from models.queries import state_jobs as queries
from webapp.resources import Resources


def hand_out_parts(resources: Resources) -> int:
    """Write messages for the next parts of each unfinished job of a whole state; return how many.

    A part that waits its turn is queued and has no message yet: whatever dies in between, the next round finds it.
    """
    at_once, number = resources.settings.state_parts_at_once, 0
    with resources.database.read(SYSTEM) as session:
        waiting = [job_id for job_id in queries.open_states(session) if queries.waiting_parts(session, job_id, at_once)]
    for job_id in waiting:
        with resources.database.write(SYSTEM) as session:
            parts = queries.waiting_parts(session, job_id, at_once)
            if parts:
                enqueue(session, parts)
            number += len(parts)
    return number
