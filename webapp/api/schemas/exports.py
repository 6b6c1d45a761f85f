"""Prepared exports as the API shows them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from webapp.services.export_files import ExportView


class ExportOut(BaseModel):
    """An export. `state`: queued, running, succeeded or failed. `file_url` is null until the file is there."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    state: str
    format: str
    filename: str
    media_type: str
    rows_done: int
    rows_total: int
    size_bytes: int | None
    sha256: str | None
    error_code: str | None
    error_message: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    request_id: str | None
    file_url: str | None = None

    @classmethod
    def of(cls, view: ExportView) -> "ExportOut":
        """Describe an export."""
        out = cls.model_validate(view)
        out.file_url = None if view.sha256 is None else f"/api/v1/exports/{view.id}/file"
        return out


class ExportsOut(BaseModel):
    """Exports, newest first."""

    exports: list[ExportOut]
