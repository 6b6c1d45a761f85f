"""Removing a finished job with all that it found."""

from auth.principals import Principal
from models.footprint_writes import remove_jobs
from models.job import JobKind, ProcessingJob
from models.queries import jobs as queries
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services.imports import delete_import
from webapp.state_errors import JobInUse, JobIsPart


def delete_job(resources: Resources, principal: Principal, job_id: str) -> None:
    """Remove a job with its footprints, one of a whole state with its parts, an import with its file.

    The scene stays. Raises `NotFound`, `JobInUse`, `ImportInUse`, `JobIsPart`.
    """
    with resources.database.write(principal) as session:
        row = queries.find_job(session, job_id, principal.owner_filter)
        if row is None:
            raise NotFound(kind="job", id=job_id)
        job = row[0]
        if job.parent_id is not None:
            raise JobIsPart(job_id=job_id, whole_id=job.parent_id)
        is_import = job.kind == JobKind.IMPORT
        if not is_import and job.finished_at is None:
            raise JobInUse(job_id=job_id)
        if not is_import:
            remove_jobs(session, ProcessingJob.id == job_id)
    if is_import:
        delete_import(resources, principal, job_id)
