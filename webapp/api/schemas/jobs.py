"""Jobs as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from webapp.services.state_views import PartView
from webapp.services.views import JobView


class JobOut(BaseModel):
    """A job. `state`: queued, running, succeeded, failed, cancelled or dead.

    `kind`: extraction, of a scene; import, of a file, whose rows are counted as windows; or state, of all scenes of a
    US state, each of which is a part with `parent_id`.
    `request_id`: the X-Request-ID of the request that asked for it; every line of the log about it carries it.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str
    scene_id: str | None
    scene_name: str | None
    file_name: str | None
    owner: str
    state: str
    percent_completed: float
    windows_done: int
    windows_total: int
    eta_s: float | None
    footprint_count: int
    attempt: int
    error_code: str | None
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool
    params: dict[str, Any]
    aoi_geojson: dict[str, Any] | None
    gsd_m: float | None
    weights_name: str | None
    weights_sha256: str | None
    request_id: str | None
    us_state: str | None
    parent_id: str | None
    parts_total: int
    parts_ended: int


class PartOut(BaseModel):
    """A part of a job of a whole state: what is done on one scene. Its own log is that of the job with its id."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    scene_id: str
    scene_name: str
    state: str
    windows_done: int
    windows_total: int
    footprint_count: int
    error_code: str | None
    error_message: str | None


class JobDetailOut(JobOut):
    """A job, with its parts where it is one of a whole state."""

    parts: list[PartOut] = Field(default_factory=list)

    @classmethod
    def of(cls, job: JobView, parts: Sequence[PartView]) -> "JobDetailOut":
        """Describe a job."""
        out = cls.model_validate(job)
        out.parts = [PartOut.model_validate(part) for part in parts]
        return out


class JobsOut(BaseModel):
    """Jobs, newest first. `next_before` goes into `before` of the next request; null at the end."""

    jobs: list[JobOut]
    next_before: str | None


class JobStatisticsOut(BaseModel):
    """Sums over jobs. `processing_s`: from first start to end, of jobs that ended; the mean is null for none."""

    model_config = ConfigDict(from_attributes=True)

    jobs: int
    by_state: dict[str, int]
    footprints: int
    processing_s: float
    mean_processing_s: float | None


class MessageOut(BaseModel):
    """A line of a job's log."""

    model_config = ConfigDict(from_attributes=True)

    at: datetime
    level: str
    text: str


class LogOut(BaseModel):
    """A job's log, oldest line first."""

    messages: list[MessageOut]


class JobsQuery(BaseModel):
    """Which jobs to list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=500)
    before: str | None = Field(None, max_length=64)


class ExtractIn(BaseModel):
    """What to extract: a scene, or the part of it inside `aoi`, a GeoJSON polygon in EPSG:4326."""

    model_config = ConfigDict(extra="forbid")

    scene_id: str = Field(max_length=64)
    aoi: dict[str, Any] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class AcceptedOut(BaseModel):
    """A job was accepted; `task_id` and `job_id` are the same."""

    task_id: str
    job_id: str
    scene_id: str | None
    status: str
    status_url: str


class ErrorOut(BaseModel):
    """Why a job failed."""

    code: str | None
    message: str | None


class TaskStatusOut(BaseModel):
    """How far a job is. `status`: queued, running, succeeded, failed, cancelled or dead."""

    task_id: str
    job_id: str
    status: str
    percent_completed: float
    windows_done: int
    windows_total: int
    eta_s: float | None
    footprint_count: int
    error: ErrorOut | None
    messages: list[MessageOut]
    request_id: str | None


def accepted(job: JobView) -> AcceptedOut:
    """Describe an accepted job."""
    url = f"/api/v1/ml-processing/task-status/{job.id}"
    return AcceptedOut(task_id=job.id, job_id=job.id, scene_id=job.scene_id, status=job.state, status_url=url)


def task_status(job: JobView, messages: list[MessageOut]) -> TaskStatusOut:
    """Describe how far a job is."""
    failed = job.error_code is not None or job.error_message is not None
    return TaskStatusOut(
        task_id=job.id,
        job_id=job.id,
        status=job.state,
        percent_completed=job.percent_completed,
        windows_done=job.windows_done,
        windows_total=job.windows_total,
        eta_s=job.eta_s,
        footprint_count=job.footprint_count,
        error=ErrorOut(code=job.error_code, message=job.error_message) if failed else None,
        messages=messages,
        request_id=job.request_id,
    )
