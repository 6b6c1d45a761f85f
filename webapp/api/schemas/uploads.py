"""Uploads in pieces as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from webapp.services.resumable_uploads import UploadView


class UploadErrorOut(BaseModel):
    """Why a file was refused."""

    code: str
    detail: str
    parameters: dict[str, Any]


class UploadOut(BaseModel):
    """An upload. `state` is open, finished or refused; once it is finished, the ids are those of what came of it."""

    id: str
    purpose: str
    name: str
    length_bytes: int
    offset_bytes: int
    state: str
    scene_id: str | None
    job_id: str | None
    import_id: str | None
    error: UploadErrorOut | None
    created_at: datetime
    expires_at: datetime


def upload_out(view: UploadView) -> UploadOut:
    """Return the API's form of an upload."""
    outcome = view.outcome or {}
    return UploadOut(
        id=view.id,
        purpose=str(view.purpose),
        name=view.name,
        length_bytes=view.length_bytes,
        offset_bytes=view.offset_bytes,
        state=str(view.state),
        scene_id=outcome.get("scene_id"),
        job_id=outcome.get("job_id"),
        import_id=outcome.get("import_id"),
        error=UploadErrorOut(**outcome["error"]) if "error" in outcome else None,
        created_at=view.created_at,
        expires_at=view.expires_at,
    )
