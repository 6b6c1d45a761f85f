"""The task of exports: take one, write its file, put it where it can be downloaded. Services decide; this connects."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from models.export import ExportState
from processing.errors import Cancelled, ProcessingError
from processing.exports.formats import FORMATS
from processing.exports.progress import ExportWatch
from processing.exports.writing import write_file
from webapp.errors import AppError
from webapp.export_errors import ExportLost, ExportOutdated
from webapp.logs import lines_about
from webapp.resources import Resources
from webapp.services import export_leases, footprints
from webapp.services.claims import JobError
from webapp.services.export_leases import ExportClaim, MadeFile
from webapp.services.export_scratch import scratch_of
from webapp.tasks.heartbeat import Heartbeat, HeldExport
from webapp.tasks.memory_limit import memory_exceeded
from webapp.tasks.patience import patiently

STALL_S_PER_ROW = 1e-3
"""Some formats do their work after the last row (PMTiles: 150 µs a row), and ask nobody meanwhile."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ExportContext:
    """What a worker process gives to the task."""

    resources: Resources
    name: str
    is_shutting_down: Callable[[], bool] = lambda: False


def run_export(context: ExportContext, export_id: str) -> ExportState | None:
    """Work on an export until it has ended or was handed back; return its state, None if it was not ours (any more)."""
    claim = export_leases.claim(context.resources, export_id, context.name)
    if claim is None:
        with lines_about(request_id=export_leases.request_of(context.resources, export_id), export_id=export_id):
            log.info("message_dropped")
        return None
    with lines_about(request_id=claim.request_id, export_id=export_id, attempt=claim.attempt):
        log.info("export_taken", format=claim.format, rows=claim.rows_total)
        try:
            state = _work(context, claim)
        except ExportLost:
            log.warning("export_lost")
            return None
        log.info("export_left", state=str(state))
        return state


def _work(context: ExportContext, claim: ExportClaim) -> ExportState:
    """Write the file and turn whatever happens into one move of the export's state. Raises `ExportLost`."""
    stall_s = context.resources.settings.stall_s + claim.rows_total * STALL_S_PER_ROW
    with Heartbeat(context.resources, HeldExport(claim), context.is_shutting_down, stall_s) as heart:
        return patiently(context.resources, _attempt(context.resources, claim, heart))


def _attempt(resources: Resources, claim: ExportClaim, heart: Heartbeat) -> Callable[[], ExportState]:
    """Write the file and return the move that follows from how it went. Raises `ExportLost`."""
    try:
        made = _store(resources, claim, heart)
    except Cancelled as error:
        if heart.beat.lost:
            raise ExportLost(export_id=claim.export_id, attempt=claim.attempt) from error
        return partial(export_leases.hand_back, resources, claim, "The worker is being restarted.", counted=False)
    except (ProcessingError, ExportOutdated) as error:
        return partial(export_leases.fail, resources, claim, JobError(error.code, str(error)))
    except MemoryError:
        return partial(export_leases.fail, resources, claim, memory_exceeded(resources.settings))
    except Exception as error:
        log.exception("attempt_failed")
        reason = str(error) if isinstance(error, AppError) else f"Unexpected error ({type(error).__name__})."
        return partial(export_leases.hand_back, resources, claim, reason, counted=True)
    return partial(_hand_over, resources, claim, made)


def _store(resources: Resources, claim: ExportClaim, heart: Heartbeat) -> MadeFile:
    """Write the file and move it, whole, to a key of this attempt alone: no other attempt can touch it."""
    suffix = FORMATS[claim.format].suffix
    watch = ExportWatch(on_rows=heart.on_progress, should_stop=heart.should_stop)
    with scratch_of(resources, claim) as folder:
        path = folder / f"whole{suffix}"
        batches = footprints.iter_chosen(resources, claim.principal, export_leases.chosen_ids(resources, claim))
        written = write_file(path, batches, title=claim.title, format=claim.format, watch=watch)
        watch.check()
        if written.rows != claim.rows_total:
            raise ExportOutdated(missing=claim.rows_total - written.rows, rows_total=claim.rows_total)
        key = f"exports/{claim.export_id}/{claim.lease_epoch}{suffix}"
        resources.storage.put_file(key, path)
    return MadeFile(key, written.size_bytes, written.sha256)


def _hand_over(resources: Resources, claim: ExportClaim, made: MadeFile) -> ExportState:
    try:
        return export_leases.succeed(resources, claim, made)
    except ExportLost:
        resources.storage.delete(made.storage_key)
        raise
