"""Jobs over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from webapp.api.answers import accepted_response, job_answer
from webapp.api.call_keys import CurrentCallKey
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.jobs import JobDetailOut, JobOut, JobsOut, JobsQuery, JobStatisticsOut, LogOut, MessageOut
from webapp.services import job_removal, job_retries, jobs
from webapp.services.job_statistics import job_statistics
from webapp.services.state_jobs import list_parts

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"])


@router.get("")
def list_jobs(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[JobsQuery, Query()]
) -> JobsOut:
    """List your jobs, newest first; administrators see all."""
    found = jobs.list_jobs(resources, principal, query.limit, query.before)
    next_before = found[-1].id if len(found) == query.limit else None
    return JobsOut(jobs=[JobOut.model_validate(job) for job in found], next_before=next_before)


@router.get("/statistics")
def get_job_statistics(resources: CurrentResources, principal: CurrentPrincipal) -> JobStatisticsOut:
    """Sum up your jobs; administrators those of everybody."""
    return JobStatisticsOut.model_validate(job_statistics(resources, principal))


@router.get("/{job_id}")
def get_job(job_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> JobDetailOut:
    """Describe one job; one of a whole state with its parts."""
    job = jobs.get_job(resources, principal, job_id)
    return JobDetailOut.of(job, list_parts(resources, principal, job_id) if job.is_state else ())


@router.delete("/{job_id}", status_code=204)
def delete_job(job_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> None:
    """Remove a finished job with all that it found: with its parts, or with the file that it imported."""
    job_removal.delete_job(resources, principal, job_id)


@router.post("/{job_id}/cancel")
def cancel_job(job_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> JobOut:
    """Ask a job to stop; a finished one stays as it is."""
    return JobOut.model_validate(jobs.cancel_job(resources, principal, job_id))


@router.post("/{job_id}/retry", status_code=202, response_model=JobOut)
def retry_job(
    job_id: str, resources: CurrentResources, principal: CurrentPrincipal, key: CurrentCallKey
) -> Response:
    """Queue a new job with the parameters of one that failed, was cancelled or is dead; it counts as any other."""
    once = key.once({}, job_answer)
    job = job_retries.retry_job(resources, principal, job_id, once)
    return accepted_response(job_answer(job), job_id=job.id)


@router.get("/{job_id}/logs")
def get_job_log(job_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> LogOut:
    """Return the job's log."""
    lines = jobs.job_messages(resources, principal, job_id)
    return LogOut(messages=[MessageOut.model_validate(line) for line in lines])
