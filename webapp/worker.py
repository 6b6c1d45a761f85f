"""The Celery worker of all tasks: `celery -A webapp.worker:app worker`. It loads the weights once in each child."""

from dataclasses import asdict
from functools import lru_cache

import structlog

from processing.detector.protocol import Detector
from processing.detector.registry import load_detector
from webapp.queue import CLEANUP_TASK, EXPORT_TASK, EXTRACTION_TASK, IMPORT_TASK
from webapp.services.maintenance import cleanup_old_jobs as clean
from webapp.services.models import catalogue_of
from webapp.tasks.context import WorkerContext
from webapp.tasks.exporting import ExportContext, run_export
from webapp.tasks.jobs import run_job
from webapp.worker_process import app, process_name, resources, settings, shutdown

WEIGHTS_KEPT = 2
"""Sets of weights that a process keeps loaded between jobs."""
log = structlog.get_logger(__name__)


@app.task(name=EXTRACTION_TASK)
def extract_buildings_from_image(job_id: str) -> None:
    """Work on a job. The message holds its id alone, may come twice, and may come late."""
    run_job(WorkerContext(resources(), process_name(), _detector, shutdown.is_set), job_id)


@app.task(name=IMPORT_TASK)
def import_footprints(job_id: str) -> None:
    """Work on an import; as for the message of an extraction."""
    run_job(WorkerContext(resources(), process_name(), _detector, shutdown.is_set), job_id)


@app.task(name=EXPORT_TASK)
def write_export(export_id: str) -> None:
    """Write the file of an export, where one worker does everything; else `webapp.exporter` does."""
    run_export(ExportContext(resources(), process_name(), shutdown.is_set), export_id)


@app.task(name=CLEANUP_TASK)
def cleanup_old_jobs() -> None:
    """Remove what nobody needs any more."""
    cleaned = clean(resources())
    log.info("cleaned", **asdict(cleaned))


@lru_cache(maxsize=WEIGHTS_KEPT)
def _detector(weights: str) -> Detector:
    return load_detector(weights, settings.device, catalogue_of(settings))
