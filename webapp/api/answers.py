"""What is said to requests that make something: the same bytes to a request and to its repetitions."""

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


def response_of(answer: Answer) -> Response:
    """Return the response that says it."""
    return Response(answer.body, answer.status, {"Location": answer.location}, "application/json")


async def say_again(request: Request, error: Exception) -> Response:
    """Answer a request that was answered before."""
    assert isinstance(error, AlreadyAnswered)
    response = response_of(error.answer)
    response.headers[REPLAYED] = "true"
    return response


def _answer(out: BaseModel, location: str) -> Answer:
    return Answer(ACCEPTED, out.model_dump_json(), location)
