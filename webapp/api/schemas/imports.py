"""Imports as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from webapp.services.views import ImportView


class ExampleOut(BaseModel):
    """One row of the file; the first is 1."""

    row: int
    detail: str


class FindingOut(BaseModel):
    """How many rows, and the first few of them."""

    count: int
    examples: list[ExampleOut]


class ReportOut(BaseModel):
    """What became of the file's rows: `rows_read` = `kept` + `refused_total`.

    `refused` and `changed` are by rule (docs/ingest.md); `columns` says which column holds what we have a place for.
    """

    format: str
    crs: str
    crs_note: str | None
    columns: dict[str, str | None]
    extra_columns: list[str]
    rows_read: int
    kept: int
    refused_total: int
    area_m2: float
    bounds_deg: tuple[float, float, float, float] | None
    refused: dict[str, FindingOut]
    changed: dict[str, FindingOut]


class ImportOut(BaseModel):
    """An import. `state`: queued, running, succeeded, failed, cancelled or dead.

    `footprint_count` stays 0 until the import has succeeded: then all its buildings are there at once. Until then,
    `report` is what the check foresaw.
    """

    id: str
    job_id: str
    file_name: str
    state: str
    percent_completed: float
    rows_done: int
    rows_total: int
    footprint_count: int
    error_code: str | None
    error_message: str | None
    created_at: datetime
    finished_at: datetime | None
    options: dict[str, Any]
    report: ReportOut
    status_url: str
    request_id: str | None


class ImportsOut(BaseModel):
    """The newest imports, newest first."""

    imports: list[ImportOut]


def import_out(found: ImportView) -> ImportOut:
    """Describe an import."""
    job = found.job
    return ImportOut(
        id=job.id,
        job_id=job.id,
        file_name=job.source,
        state=job.state,
        percent_completed=job.percent_completed,
        rows_done=job.windows_done,
        rows_total=job.windows_total,
        footprint_count=job.footprint_count,
        error_code=job.error_code,
        error_message=job.error_message,
        created_at=job.created_at,
        finished_at=job.finished_at,
        options=job.params,
        report=ReportOut.model_validate(found.report),
        status_url=f"/api/v1/imports/{job.id}",
        request_id=job.request_id,
    )
