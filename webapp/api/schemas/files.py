"""Uploaded files as the API shows them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class FileOut(BaseModel):
    """A file, and the scene or the import that it was sent for. `sha256` is hexadecimal."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    created_at: datetime
    scene_id: str | None
    import_id: str | None


class FilesOut(BaseModel):
    """Files, newest first. `next_before` goes into `before` of the next request; null at the end."""

    files: list[FileOut]
    next_before: str | None


class FilesQuery(BaseModel):
    """Which files to list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=500)
    before: str | None = Field(None, max_length=64)
