"""The work of an import: the file's rows, batch by batch."""

from dataclasses import replace
from functools import partial

from models.job_states import JobState
from processing.errors import Cancelled
from processing.ingest.options import IngestOptions
from processing.ingest.reading import open_footprints
from webapp.services import leases
from webapp.services.claims import Claim
from webapp.services.import_writes import ReadBatch, publish, save_batch, stored_batches
from webapp.services.imports import ImportOptions, scratch_folder
from webapp.tasks.context import WorkerContext
from webapp.tasks.heartbeat import Heartbeat
from webapp.tasks.patience import patiently

BATCH_ROWS = 8192
"""Holds SQLite's write lock for less than a second."""


def import_file(context: WorkerContext, claim: Claim, heart: Heartbeat) -> JobState:
    """Read the file, store what no earlier attempt has stored, and show it all; return the state of the job.

    Every attempt reads all rows, because what is a duplicate depends on those before it. Raises what reading raises,
    `Cancelled`, `LeaseLost`, `ImportDiffers`.
    """
    resources = context.resources
    path = resources.storage.local_path(claim.storage_key)
    done = stored_batches(resources, claim)
    _announce(context, claim, len(done))
    with open_footprints(path, _options(claim), scratch=scratch_folder(resources)) as reading:
        for number, footprints in enumerate(reading.batches()):
            batch = ReadBatch(number, reading.report.rows_read, footprints)
            if number not in done:
                patiently(resources, partial(save_batch, resources, claim, batch))
            heart.on_window(batch.rows_read, batch.rows_read)
            if heart.should_stop():
                raise Cancelled()
        return patiently(resources, partial(publish, resources, claim, reading.report))


def _announce(context: WorkerContext, claim: Claim, batches_done: int) -> None:
    begins = f"Resumed; {batches_done} batches of rows are stored already" if batches_done else "Started"
    leases.report(context.resources, claim, "info", f"{begins}: {claim.file_name}.")


def _options(claim: Claim) -> IngestOptions:
    options = ImportOptions(**claim.params).for_reading(claim.file_name)
    return replace(options, budget=replace(options.budget, batch_rows=BATCH_ROWS))
