"""Errors as the API describes them."""

from typing import Any

from pydantic import BaseModel

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """A problem (RFC 9457). `code` is stable; `parameters` are the values in its sentence."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    parameters: dict[str, Any]
    instance: str
