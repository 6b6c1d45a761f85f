"""A job of a whole state as people see it: one job, with the sums of its parts."""

from dataclasses import dataclass, replace
from typing import Any

from models.job_states import JobState
from models.queries.jobs import JobRow
from webapp.services.views import JobView


@dataclass(frozen=True, slots=True)
class PartView:
    """A part of a job of a whole state: what is done on one scene."""

    id: str
    scene_id: str
    scene_name: str
    state: str
    windows_done: int
    windows_total: int
    footprint_count: int
    error_code: str | None
    error_message: str | None


def with_parts(view: JobView, row: JobRow, sums: Any) -> JobView:
    """Return the view of a job with the sums of its parts (a row of `sums_of_parts`), if it has any."""
    if sums is None:
        return view
    done, total = int(sums.windows_done), int(sums.windows_total)
    share = done / total if total else 0.0
    one_weights = sums.weights == 1
    return replace(
        view,
        percent_completed=view.percent_completed if view.state == JobState.SUCCEEDED else round(100.0 * share, 1),
        windows_done=done,
        windows_total=total,
        eta_s=_eta_s(row, done, total),
        footprint_count=int(sums.footprints),
        weights_name=sums.weights_name if one_weights else None,
        weights_sha256=sums.weights_sha256 if one_weights else None,
        parts_total=int(sums.parts),
        parts_ended=int(sums.ended),
    )


def part_view(row: Any) -> PartView:
    """Return a part's row (`models.queries.state_jobs.list_parts`) in plain values."""
    job, scene_name = row
    return PartView(
        id=job.id,
        scene_id=job.scene_id,
        scene_name=scene_name,
        state=job.state,
        windows_done=job.windows_done,
        windows_total=job.windows_total,
        footprint_count=job.footprint_count,
        error_code=job.error_code,
        error_message=job.error_message,
    )


def _eta_s(row: JobRow, done: int, total: int) -> float | None:
    """Extrapolate from what was done since the first part began; parts of an earlier job were done before."""
    job, now = row[0], row[-1]
    lately = done - job.windows_before
    if job.state != JobState.RUNNING or lately <= 0 or job.started_at is None:
        return None
    return max(0.0, (total - done) * (now - job.started_at) / lately)
