"""A job that did not succeed, asked for once more: a new job with the same parameters."""

from auth.principals import Principal
from models.job import JobKind, ProcessingJob
from models.job_states import TERMINAL, JobState
from models.queries import jobs as queries
from models.scene import StoredFile
from processing.params import ExtractionParams
from webapp.building_errors import JobNotRetryable
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services.imports import ImportOptions, submit_import
from webapp.services.jobs import submit_extraction
from webapp.services.uploads import begin_upload
from webapp.services.views import JobView


def retry_job(resources: Resources, principal: Principal, job_id: str) -> JobView:
    """Queue a new job like one that failed, was cancelled or is dead; it is the asker's, and spends their quota.

    Raises `NotFound`, `JobNotRetryable`, and what `submit_extraction` or `submit_import` raises.
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
    if file is not None:
        return _import_again(resources, principal, job, file)
    params = ExtractionParams.from_json(job.params)
    return submit_extraction(resources, principal, job.scene_id or "", params, job.aoi_geojson)


def _import_again(resources: Resources, principal: Principal, job: ProcessingJob, file: StoredFile) -> JobView:
    """Take the file in once more: each import has its own, so that each can be removed by itself."""
    with begin_upload(resources, principal, file.name, file.size_bytes) as upload:
        for chunk in resources.storage.read(file.storage_key, 0, file.size_bytes):
            upload.write(chunk)
        received = upload.finish()
    return submit_import(resources, principal, received, ImportOptions(**job.params)).job
