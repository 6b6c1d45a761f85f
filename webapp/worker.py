"""The Celery worker: `celery -A webapp.worker:app worker`. It loads the weights once in each child process."""

import os
import signal
import socket
from dataclasses import asdict
from functools import cache, lru_cache
from typing import Any

import structlog
from celery import signals
from celery.worker import state as celery_state

from processing.detector.protocol import Detector
from processing.detector.registry import load_detector
from webapp.logs import configure_logs
from webapp.queue import CLEANUP_TASK, EXPORT_TASK, EXTRACTION_TASK, IMPORT_TASK, make_celery
from webapp.resources import Resources, open_resources
from webapp.services.maintenance import cleanup_old_jobs as clean
from webapp.services.models import catalogue_of
from webapp.settings import load_settings
from webapp.tasks.acknowledging import forgive_lost_acknowledgements
from webapp.tasks.context import WorkerContext
from webapp.tasks.exporting import ExportContext, run_export
from webapp.tasks.jobs import run_job
from webapp.tasks.shutdown import ShutdownFlag
from webapp.tasks.watch import WorkerWatch

WEIGHTS_KEPT = 2
"""Sets of weights that a process keeps loaded between jobs."""

forgive_lost_acknowledgements()
settings = load_settings()
app = make_celery(settings)
shutdown = ShutdownFlag()
log = structlog.get_logger(__name__)
_watches: list[WorkerWatch] = []


@app.task(name=EXTRACTION_TASK)
def extract_buildings_from_image(job_id: str) -> None:
    """Work on a job. The message holds its id alone, may come twice, and may come late."""
    run_job(WorkerContext(_resources(), _name(), _detector, shutdown.is_set), job_id)


@app.task(name=IMPORT_TASK)
def import_footprints(job_id: str) -> None:
    """Work on an import; as for the message of an extraction."""
    run_job(WorkerContext(_resources(), _name(), _detector, shutdown.is_set), job_id)


@app.task(name=EXPORT_TASK)
def write_export(export_id: str) -> None:
    """Write the file of an export. The message holds its id alone, may come twice, and may come late."""
    run_export(ExportContext(_resources(), _name(), shutdown.is_set), export_id)


@app.task(name=CLEANUP_TASK)
def cleanup_old_jobs() -> None:
    """Remove what nobody needs any more."""
    cleaned = clean(_resources())
    log.info("cleaned", **asdict(cleaned))


@cache
def _resources() -> Resources:
    """Open connections at the first task of this process, never before a fork."""
    return open_resources(settings)


@lru_cache(maxsize=WEIGHTS_KEPT)
def _detector(weights: str) -> Detector:
    return load_detector(weights, settings.device, catalogue_of(settings))


def _name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@signals.setup_logging.connect(weak=False)
def _set_up_logs(**_: Any) -> None:
    configure_logs(settings, "worker")


@signals.worker_process_init.connect(weak=False)
def _prepare_child(**_: Any) -> None:
    """Let a child end its window before it goes, whoever signals it: the parent, or a supervisor to the group."""
    signal.signal(signal.SIGTERM, lambda number, frame: shutdown.set())


@signals.worker_shutting_down.connect(weak=False)
def _hand_jobs_back(**_: Any) -> None:
    shutdown.set()


@signals.worker_ready.connect(weak=False)
def _start_watch(sender: Any = None, **_: Any) -> None:
    name = getattr(sender, "hostname", None) or _name()
    watch = WorkerWatch(settings, name, _is_busy, app.amqp.queues.consume_from)
    _watches.append(watch)
    watch.start()


@signals.worker_shutdown.connect(weak=False)
def _stop_watch(**_: Any) -> None:
    for watch in _watches:
        watch.stop()


def _is_busy() -> bool:
    return bool(celery_state.reserved_requests or celery_state.active_requests)
