"""A job that did not succeed, asked for once more: a new job with the same parameters."""

from operator import attrgetter

from auth.principals import Principal
from models.job import JobKind, ProcessingJob
from models.job_states import TERMINAL, JobState
from models.queries import jobs as queries
from models.scene import StoredFile
from processing.params import ExtractionParams
from webapp.building_errors import JobNotRetryable
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services.idempotency import Once
from webapp.services.imports import ImportOptions, submit_import
from webapp.services.jobs import submit_extraction
from webapp.services.state_jobs import retry_state
from webapp.services.uploads import begin_upload
from webapp.services.views import JobView
from webapp.state_errors import JobIsPart


def retry_job(
    resources: Resources, principal: Principal, job_id: str, once: Once[JobView] | None = None
) -> JobView:
    """Queue a new job like one that failed, was cancelled or is dead; it is the asker's, and spends their quota.

    Of a whole state only what did not succeed is done again (`state_jobs.retry_state`).
    Raises `NotFound`, `JobNotRetryable`, `JobIsPart`, and what `submit_extraction` or `submit_import` raises.
    """
    with resources.database.read(principal) as session:
        row = queries.find_job(session, job_id, principal.owner_filter)
        if row is None:
            raise NotFound(kind="job", id=job_id)
        job: ProcessingJob = row[0]
        file = session.get_one(StoredFile, job.file_id) if job.kind == JobKind.IMPORT else None
        session.expunge_all()
    # A state that nothing follows stays what it is: there is no need to look again.
    if job.state not in TERMINAL - {JobState.SUCCEEDED}:
        raise JobNotRetryable(job_id=job_id, state=job.state)
    if job.parent_id is not None:
        raise JobIsPart(job_id=job_id, whole_id=job.parent_id)
    if job.kind == JobKind.STATE:
        return retry_state(resources, principal, job_id, once)
    if file is not None:
        return _import_again(resources, principal, job, file, once)
    params = ExtractionParams.from_json(job.params)
    return submit_extraction(resources, principal, job.scene_id or "", params, job.aoi_geojson, once)


def _import_again(
    resources: Resources, principal: Principal, job: ProcessingJob, file: StoredFile, once: Once[JobView] | None
) -> JobView:
    """Take the file in once more: each import has its own, so that each can be removed by itself."""
    with begin_upload(resources, principal, file.name, file.size_bytes) as upload:
        for chunk in resources.storage.read(file.storage_key, 0, file.size_bytes):
            upload.write(chunk)
        received = upload.finish()
    as_import = None if once is None else once.through(attrgetter("job"))
    return submit_import(resources, principal, received, ImportOptions(**job.params), as_import).job
