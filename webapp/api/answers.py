"""What is said to requests that make something: the same bytes to a request and to its repetitions."""

import structlog
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from webapp.api.schemas.exports import ExportOut
from webapp.api.schemas.imports import import_out
from webapp.api.schemas.jobs import JobOut, accepted
from webapp.services.export_files import ExportView
from webapp.services.idempotency import AlreadyAnswered, Answer
from webapp.services.views import ImportView, JobView

ACCEPTED = 202
REPLAYED = "Idempotency-Replayed"
log = structlog.get_logger(__name__)


def extraction_answer(job: JobView) -> Answer:
    """Say that an extraction was accepted."""
    out = accepted(job)
    return _answer(out, out.status_url)


def job_answer(job: JobView) -> Answer:
    """Describe a job that was accepted."""
    return _answer(JobOut.model_validate(job), f"/api/v1/jobs/{job.id}")


def import_answer(found: ImportView) -> Answer:
    """Describe an import that was accepted."""
    out = import_out(found)
    return _answer(out, out.status_url)


def export_answer(view: ExportView) -> Answer:
    """Describe an export that was accepted."""
    return _answer(ExportOut.of(view), f"/api/v1/exports/{view.id}")


def accepted_response(answer: Answer, **made: str) -> Response:
    """Return the response that says it; `made` are ids for the log, whose line joins them to the request's."""
    log.info("accepted", **made)
    return _response(answer)


async def say_again(request: Request, error: Exception) -> Response:
    """Answer a request that was answered before."""
    assert isinstance(error, AlreadyAnswered)
    response = _response(error.answer)
    response.headers[REPLAYED] = "true"
    return response


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, {"Location": answer.location}, "application/json")


def _answer(out: BaseModel, location: str) -> Answer:
    return Answer(ACCEPTED, out.model_dump_json(), location)
