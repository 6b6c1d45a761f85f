"""Jobs over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.jobs import JobOut, JobsOut, JobsQuery, JobStatisticsOut, LogOut, MessageOut
from webapp.services import job_retries, jobs
from webapp.services.job_statistics import job_statistics

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
def get_job(job_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> JobOut:
    """Describe one job."""
    return JobOut.model_validate(jobs.get_job(resources, principal, job_id))


@router.post("/{job_id}/cancel")
def cancel_job(job_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> JobOut:
    """Ask a job to stop; a finished one stays as it is."""
    return JobOut.model_validate(jobs.cancel_job(resources, principal, job_id))


@router.post("/{job_id}/retry", status_code=202)
def retry_job(job_id: str, response: Response, resources: CurrentResources, principal: CurrentPrincipal) -> JobOut:
    """Queue a new job with the parameters of one that failed, was cancelled or is dead; it counts as any other."""
    job = job_retries.retry_job(resources, principal, job_id)
    response.headers["Location"] = f"{router.prefix}/{job.id}"
    return JobOut.model_validate(job)


@router.get("/{job_id}/logs")
def get_job_log(job_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> LogOut:
    """Return the job's log."""
    lines = jobs.job_messages(resources, principal, job_id)
    return LogOut(messages=[MessageOut.model_validate(line) for line in lines])
