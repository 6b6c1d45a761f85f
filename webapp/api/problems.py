"""Every error as problem+json (RFC 9457), or as a readable page for a browser. No stack trace ever leaves."""

import html
import http
import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from processing.errors import ProcessingError
from webapp.api.allowed_methods import allowed_methods
from webapp.api.schemas.problem import MEDIA_TYPE
from webapp.building_errors import VersionOutdated
from webapp.errors import AppError, RequestInvalid
from webapp.export_errors import RangeNotSatisfiable
from webapp.http_status import status_of

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong on the server. The administrator finds the details in its log."
MACHINE_PREFIXES = ("/api/", "/tiles/", "/ogc", "/health", "/metrics")
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/assets/css/login.css"></head>
<body><main class="card"><h1>{title}</h1><p>{detail}</p><p><a href="/">Back to the map</a></p></main></body></html>"""


class ProblemResponse(JSONResponse):
    """A JSON answer with the media type of problems."""

    media_type = MEDIA_TYPE


def add_problem_handlers(app: FastAPI) -> None:
    """Make the application answer errors as problems."""
    app.add_exception_handler(AppError, _answer_coded)
    app.add_exception_handler(ProcessingError, _answer_coded)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)
    app.add_exception_handler(Exception, _answer_unexpected)


def problem_of(error: Exception, instance: str) -> dict[str, Any]:
    """Return the problem document of an error."""
    coded = error if isinstance(error, AppError | ProcessingError) else None
    code = coded.code if coded else "Unexpected"
    return {
        "type": f"urn:building-footprint:problem:{code}",
        "title": words_of(code),
        "status": status_of(error),
        "detail": str(coded) if coded else UNEXPECTED,
        "code": code,
        "parameters": coded.parameters if coded else {},
        "instance": instance,
    }


def problem_response(error: Exception, path: str, accept: str = "") -> Response:
    """Return the answer to an error: a problem for programs, a page where a browser asked for one."""
    problem = problem_of(error, path)
    if problem["status"] >= 500:
        log.error(
            "%s %s: %s", problem["code"], path, error, exc_info=error if problem["code"] == "Unexpected" else None
        )
    return _render(problem, accept, _headers_of(problem))


def _render(problem: Mapping[str, Any], accept: str, headers: dict[str, str]) -> Response:
    status = int(problem["status"])
    if "text/html" in accept and not str(problem["instance"]).startswith(MACHINE_PREFIXES):
        page = PAGE.format(title=html.escape(problem["title"]), detail=html.escape(problem["detail"]))
        return HTMLResponse(page, status, headers)
    return ProblemResponse(json.loads(json.dumps(problem, default=str)), status, headers)


def _headers_of(problem: Mapping[str, Any]) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if "retry_after_s" in problem["parameters"]:
        headers["Retry-After"] = str(problem["parameters"]["retry_after_s"])
    elif problem["code"] == RangeNotSatisfiable.code:
        headers["Content-Range"] = f"bytes */{problem['parameters']['size_bytes']}"
    elif problem["status"] in (429, 503):
        headers["Retry-After"] = "5"
    if problem["code"] == VersionOutdated.code:
        headers["ETag"] = problem["parameters"]["etag"]
    if problem["status"] == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return headers


def words_of(code: str) -> str:
    """Turn `SceneInUse` into `Scene in use`."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in code).strip()
    return spaced[:1].upper() + spaced[1:]


async def _answer_coded(request: Request, error: Exception) -> Response:
    return problem_response(error, request.url.path, request.headers.get("accept", ""))


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    return problem_response(error, request.url.path, request.headers.get("accept", ""))


async def _answer_nobody(request: Request, error: Exception) -> Response:
    """The sender has gone: nobody reads this, and nothing is wrong here."""
    return Response(status_code=400)


async def _answer_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # What was sent is not repeated: it may be a password.
    found = [{"where": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in found[:5])
    problem = problem_of(RequestInvalid(detail=detail, errors=found), request.url.path)
    return _render(problem, "", _headers_of(problem))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # FastAPI, of a body that is not even text
        return await _answer_coded(request, RequestInvalid(detail=str(error.detail).rstrip(".").lower()))
    phrase = http.HTTPStatus(error.status_code).phrase
    problem = {
        "type": "about:blank",
        "title": phrase,
        "status": error.status_code,
        "detail": str(error.detail),
        "code": phrase.title().replace(" ", "").replace("-", ""),
        "parameters": {},
        "instance": request.url.path,
    }
    headers = {"Cache-Control": "no-store"} | dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(allowed_methods(request.app, request.url.path))
    return _render(problem, request.headers.get("accept", ""), headers)
