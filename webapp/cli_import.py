"""`import`: bring a file of existing footprints into an installation, whether it runs or not."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import structlog

from auth.principals import Principal
from models.job_states import JobState
from processing.ingest.file_kinds import kind_of
from processing.ingest.report import report_from_json
from webapp.cli_admin import migrate_database
from webapp.cli_check import in_words
from webapp.installation import is_served, prepare_folder
from webapp.resources import Resources, open_resources
from webapp.services import imports, jobs
from webapp.services.demo import first_administrator
from webapp.services.imports import ImportOptions
from webapp.services.uploads import begin_upload
from webapp.services.users import ensure_administrator, find_user
from webapp.services.views import JobView

CHUNK_BYTES = 1 << 20
POLL_S = 0.5
TELL_S = 5.0


def add_import(subparsers: Any) -> None:
    """Add the verb and its options."""
    parser = subparsers.add_parser("import", help="bring existing footprints into the database")
    parser.add_argument("file", type=Path, metavar="FILE", help="GeoParquet, GeoJSON, FlatGeobuf, GeoPackage, .zip")
    parser.add_argument("--crs", metavar="CRS", help="for a file that names none, such as EPSG:2272")
    parser.add_argument("--layer", metavar="NAME", help="for a file that holds several")
    parser.add_argument("--confidence-column", metavar="NAME", help="the column that holds the confidence")
    parser.add_argument("--id-column", metavar="NAME", help="the column that holds the source's id")
    parser.add_argument("--name-column", metavar="NAME", help="the column that says where a footprint comes from")
    parser.add_argument("--owner", metavar="NAME", help="whose they are (the first administrator's)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder that holds all state (data beside ./run)")
    parser.set_defaults(run=run_import)


def run_import(args: argparse.Namespace) -> int:
    """Do it; return the exit code."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    kind_of(args.file, name=args.file.name)  # before anything is made or copied
    prepare_folder(args.settings.data_dir)
    migrate_database(args.settings.database_address)
    resources = open_resources(args.settings)
    try:
        owner = _owner(resources, args.owner)
        options = ImportOptions(args.crs, args.layer, args.confidence_column, args.id_column, args.name_column)
        job = _submit(resources, owner, args.file, options)
        finished = _see_through(resources, owner, job)
        report = imports.get_import(resources, owner, job.id).report
    finally:
        resources.close()
    print(in_words(report_from_json(report)))
    if finished.state != "succeeded":
        reason = finished.error_message or "nothing was imported"
        print(f"run: The import ended {finished.state}: {reason}", file=sys.stderr)
        return 1
    print(f"Imported {finished.footprint_count:,} buildings as job {finished.id}.")
    return 0


def _owner(resources: Resources, name: str | None) -> Principal:
    """Return whose the footprints will be. Raises `NotFound`."""
    if name is not None:
        return find_user(resources, name)
    password = ensure_administrator(resources)
    if password is not None:
        print(f"Made the account 'admin'. Its password is  {password}")
    return first_administrator(resources)


def _submit(resources: Resources, owner: Principal, path: Path, options: ImportOptions) -> JobView:
    print(f"Checking {path.name} …", flush=True)
    with begin_upload(resources, owner, path.name, path.stat().st_size) as upload, path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            upload.write(chunk)
        received = upload.finish()
    return imports.submit_import(resources, owner, received, options).job


def _see_through(resources: Resources, owner: Principal, job: JobView) -> JobView:
    """Wait for the end of the job. Where nothing runs on the data folder, this process does the work itself."""
    worker = Thread(target=_work, args=(resources, job.id), daemon=True)
    alone = not is_served(resources.settings.data_dir)
    if alone:
        worker.start()
    goes_on = worker.is_alive if alone else lambda: True
    try:
        return _wait(resources, owner, job.id, goes_on)
    except KeyboardInterrupt:
        print("Stopping; nothing will be imported.", file=sys.stderr)
        jobs.cancel_job(resources, owner, job.id)
        return _wait(resources, owner, job.id, goes_on)


def _work(resources: Resources, job_id: str) -> None:
    from webapp.tasks.context import WorkerContext  # loads much that a waiting command does not need
    from webapp.tasks.jobs import run_job

    context = WorkerContext(resources, "import", _no_detector)
    while run_job(context, job_id) is JobState.QUEUED:
        pass  # another attempt, as long as there are some


def _no_detector(weights: str) -> Any:
    raise RuntimeError(f"an import has no use for {weights}")


def _wait(resources: Resources, owner: Principal, job_id: str, goes_on: Callable[[], bool]) -> JobView:
    """Tell of the progress until the job is finished, or nobody works on it any more."""
    told_at = time.monotonic()
    while True:
        is_last_look = not goes_on()
        job = jobs.get_job(resources, owner, job_id)
        if job.is_finished or is_last_look:
            return job
        if time.monotonic() - told_at > TELL_S:
            told_at = time.monotonic()
            print(f"Importing: {job.windows_done:,} of {job.windows_total:,} rows ({job.state})", flush=True)
        time.sleep(POLL_S)
