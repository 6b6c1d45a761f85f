"""Errors as the API describes them."""

from typing import Any

from pydantic import BaseModel


class Problem(BaseModel):
    """A problem (RFC 9457). `code` is stable; `parameters` are the values in its sentence."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    parameters: dict[str, Any]
    instance: str


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": Problem,
        "description": "What is wrong with the request",
        "content": {"application/problem+json": {}},
    },
    "5XX": {"model": Problem, "description": "What the server lacks", "content": {"application/problem+json": {}}},
}
