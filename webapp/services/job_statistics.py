"""Sums over jobs."""

from dataclasses import dataclass

from auth.principals import Principal
from models.job_states import JobState
from models.queries.jobs import sums_by_state
from webapp.resources import Resources


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """How many jobs there are in each state, what they found, and how long those that ended were worked on.

    The time of a job is from its first start to its end; `mean_processing_s` is None where none has both.
    """

    jobs: int
    by_state: dict[str, int]
    footprints: int
    processing_s: float
    mean_processing_s: float | None


def job_statistics(resources: Resources, principal: Principal) -> JobStatistics:
    """Sum up a person's jobs, those of everybody for administrators."""
    with resources.database.read(principal) as session:
        rows = sums_by_state(session, principal.owner_filter)
    by_state = dict.fromkeys(map(str, JobState), 0) | {row.state: row.jobs for row in rows}
    timed, processing_s = sum(row.timed for row in rows), float(sum(row.processing_s or 0.0 for row in rows))
    return JobStatistics(
        jobs=sum(by_state.values()),
        by_state=by_state,
        footprints=sum(row.footprints or 0 for row in rows),
        processing_s=processing_s,
        mean_processing_s=processing_s / timed if timed else None,
    )
