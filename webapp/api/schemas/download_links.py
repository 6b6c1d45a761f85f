"""Signed download links as the API shows them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from webapp.services.download_links import LONGEST_MINUTES


class DownloadLinkIn(BaseModel):
    """How long a link is to work."""

    model_config = ConfigDict(extra="forbid")

    expires_in_minutes: int = Field(60, ge=1, le=LONGEST_MINUTES)


class DownloadLinkOut(BaseModel):
    """A link. Whoever has `url` can download the file until it ends; it is shown this once."""

    url: str
    expires_at: datetime
