"""Imports of existing footprints, as a person knows them: sending a file, reading its report, removing it again."""

import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from auth.principals import Principal
from models.footprint_writes import remove_jobs
from models.job import JobKind, ProcessingJob
from models.job_moves import add_job
from models.queries import jobs as queries
from models.queries.jobs import JobRow
from models.scene import StoredFile
from processing.ingest.file_check import check_in_child
from processing.ingest.options import ColumnChoice, IngestOptions
from processing.ingest.report import IngestReport
from webapp.errors import ImportInUse, NotFound
from webapp.request_context import current_request
from webapp.resources import Resources
from webapp.services.idempotency import Once, keep
from webapp.services.jobs import view_of
from webapp.services.keeping import kept, stored_file
from webapp.services.uploads import ReceivedFile
from webapp.services.views import ImportView

LIST_LIMIT = 200
MEDIA_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the file does not say itself; None: as the file has it, or by the usual names of columns."""

    crs: str | None = None
    layer: str | None = None
    confidence_column: str | None = None
    source_id_column: str | None = None
    source_name_column: str | None = None

    def for_reading(self, name: str) -> IngestOptions:
        """Return the core's form of it."""
        columns = ColumnChoice(self.confidence_column, self.source_id_column, self.source_name_column)
        return IngestOptions(name=name, crs=self.crs, layer=self.layer, columns=columns)

    def to_json(self) -> dict[str, Any]:
        """Return what was chosen."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def submit_import(
    resources: Resources,
    principal: Principal,
    received: ReceivedFile,
    options: ImportOptions,
    once: Once[ImportView] | None = None,
    import_id: str | None = None,
) -> ImportView:
    """Check a received file in a child process, keep it, and queue its import; what is refused is removed.

    `import_id` is what it shall be called, where that is settled already.
    Raises the check's `ProcessingError` (`processing.ingest.reading.open_footprints`), `DiskFull`,
    `StorageUnavailable`, and for a request with a key what `idempotency.keep` raises.
    """
    try:
        reading = options.for_reading(received.name)
        report = check_in_child(received.path, reading, scratch=scratch_folder(resources))
        job = _job(resources, principal, options, report, import_id or str(uuid.uuid4()))
        return _keep(resources, principal, received, job, once)
    finally:
        received.discard()


def get_import(resources: Resources, principal: Principal, import_id: str) -> ImportView:
    """Return one import. Raises `NotFound`, for an extraction, too."""
    with resources.database.read(principal) as session:
        return _view(_found(queries.find_job(session, import_id, principal.owner_filter), import_id))


def list_imports(resources: Resources, principal: Principal, limit: int = LIST_LIMIT) -> list[ImportView]:
    """Return the newest imports, newest first."""
    with resources.database.read(principal) as session:
        return [_view(row) for row in queries.list_imports(session, principal.owner_filter, limit)]


def delete_import(resources: Resources, principal: Principal, import_id: str) -> None:
    """Remove a finished import with its footprints and its file. Raises `NotFound`, `ImportInUse`."""
    with resources.database.write(principal) as session:
        job, _, file_name, _, _ = _found(queries.find_job(session, import_id, principal.owner_filter), import_id)
        if job.finished_at is None:
            raise ImportInUse(name=file_name)
        file = session.get_one(StoredFile, job.file_id)
        key = file.storage_key
        remove_jobs(session, ProcessingJob.id == import_id)
    resources.storage.delete(key)


def scratch_folder(resources: Resources) -> Path:
    """Return where archives are unpacked for the time of a reading."""
    folder = resources.settings.data_dir / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _job(
    resources: Resources, principal: Principal, options: ImportOptions, report: IngestReport, job_id: str
) -> ProcessingJob:
    return ProcessingJob(
        id=job_id,
        owner_id=principal.user_id,
        kind=str(JobKind.IMPORT),
        params=options.to_json(),
        import_report=report.to_json(),
        windows_total=report.rows_read,
        max_attempts=resources.settings.max_attempts,
        request_id=current_request().id or None,
    )


def _keep(
    resources: Resources,
    principal: Principal,
    received: ReceivedFile,
    job: ProcessingJob,
    once: Once[ImportView] | None = None,
) -> ImportView:
    """Store the file, then write its rows and the job's; without rows the file goes again."""
    stored = stored_file(principal, received, f"imports/{job.id}/{{id}}", MEDIA_TYPE)
    job.file_id = stored.id
    with kept(resources, principal, received, stored) as session:
        add_job(session, job)
        view = _view(_found(queries.find_job(session, job.id, principal.owner_filter), job.id))
        keep(session, resources, once, view)
    return view


def _found(row: JobRow | None, import_id: str) -> JobRow:
    if row is None or row[0].kind != JobKind.IMPORT:
        raise NotFound(kind="import", id=import_id)
    return row


def _view(row: JobRow) -> ImportView:
    return ImportView(view_of(row), dict(row[0].import_report or {}))
