"""`./run bench import`: existing footprints into the database, what it takes, and what a killed worker does to it.

The worker's process is killed at random moments; whenever one is gone, either nothing of its import may be seen or all,
and the next worker must end with exactly the rows that the report counts.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from auth.principals import Principal
from benchmarks.bench_exports import write_source
from benchmarks.children import ROOT, run_child
from benchmarks.import_ours import LEASE_S, open_folder
from benchmarks.report import OURS, Row, publish, row_of
from webapp.database import migrate
from webapp.resources import Resources
from webapp.services import demo, dispatch, footprints, imports, jobs
from webapp.services.footprints import FootprintQuery
from webapp.services.imports import ImportOptions
from webapp.services.uploads import begin_upload
from webapp.services.users import ensure_administrator
from webapp.services.views import ImportView

ROWS, QUICK_ROWS, KILLED_ROWS = 500_000, 20_000, 20_000
KILLS, QUICK_KILLS = 12, 3
CHUNK_BYTES = 1 << 20
WORKER = "benchmarks.import_ours"


def main(arguments: Sequence[str] = ()) -> int:
    """Measure one import, kill others, and print what came of it."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-import-") as folder:
        resources, person = _installation(Path(folder) / "data")
        file = options.file or write_source(Path(folder) / "city.parquet", options.rows)
        rows = _measured(resources, person, file)
        killed = write_source(Path(folder) / "killed.parquet", KILLED_ROWS)
        rows += _survived(resources, person, killed, options.kills)
        resources.close()
    publish("import", rows, options.json)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run bench import")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROWS:,} footprints, {QUICK_KILLS} kills")
    parser.add_argument("--rows", type=int, help=f"how many made-up footprints ({ROWS:,})")
    parser.add_argument("--file", type=Path, help="import this file instead")
    parser.add_argument("--kills", type=int, help=f"how many workers are killed ({KILLS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    options.kills = (QUICK_KILLS if options.quick else KILLS) if options.kills is None else options.kills
    return options


def _installation(folder: Path) -> tuple[Resources, Principal]:
    folder.mkdir()
    resources = open_folder(folder)
    migrate(resources.settings.database_address)
    ensure_administrator(resources)
    return resources, demo.first_administrator(resources)


def _measured(resources: Resources, person: Principal, file: Path) -> list[Row]:
    began_at = time.perf_counter()
    found = _queued(resources, person, file)
    check_s = time.perf_counter() - began_at
    case = f"{found.report['rows_read']:,} rows"
    rows = [row_of(OURS, case, "receive, check", "s", [check_s])]
    for what in ("work", "index"):
        took = run_child(sys.executable, WORKER, what, str(resources.settings.data_dir), found.job.id)
        rows += [
            row_of(OURS, case, f"{what}, wall", "s", [took["wall_s"]]),
            row_of(OURS, case, f"{what}, processor", "s", [took["cpu_s"]]),
            row_of(OURS, case, f"{what}, peak", "MB", [took["peak_mb"]]),
            row_of(OURS, case, f"{what}, grown", "MB", [took["peak_mb"] - took["before_mb"]]),
        ]
    _require_whole(resources, person, found)
    return rows


def _survived(resources: Resources, person: Principal, file: Path, kills: int) -> list[Row]:
    """Kill workers at random moments of an import's life; raise where one is ever seen in part, or ends wrong."""
    undisturbed_s = _one_life(resources, person, _queued(resources, person, file), None)
    in_the_midst = 0
    for _ in range(kills):
        found = _queued(resources, person, file)
        _one_life(resources, person, found, random.uniform(0.3, 1.0) * undisturbed_s)
        job = jobs.get_job(resources, person, found.job.id)
        in_the_midst += 0 < job.windows_done < job.windows_total
        time.sleep(2 * LEASE_S)
        dispatch.reconcile(resources)
        _one_life(resources, person, found, None)
        _require_whole(resources, person, found)
        imports.delete_import(resources, person, found.job.id)
    case = f"{file.stem}, {KILLED_ROWS:,} rows"
    counts = (("workers killed", kills), ("in the midst", in_the_midst), ("seen in part", 0), ("ended wrong", 0))
    return [row_of(OURS, case, metric, "times", [number]) for metric, number in counts]


def _one_life(resources: Resources, person: Principal, found: ImportView, killed_after_s: float | None) -> float:
    """Let a worker live; return for how long. Raise where the import was seen in part."""
    began_at = time.perf_counter()
    command = [sys.executable, "-m", WORKER, "work", str(resources.settings.data_dir), found.job.id]
    worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while worker.poll() is None:
        seen = footprints.count(resources, person, FootprintQuery(job_id=found.job.id))
        if seen not in (0, found.report["kept"]):
            raise RuntimeError(f"{seen} of {found.report['kept']} footprints were seen")
        if killed_after_s is not None and time.perf_counter() - began_at > killed_after_s:
            worker.kill()
        time.sleep(0.02)
    return time.perf_counter() - began_at


def _require_whole(resources: Resources, person: Principal, found: ImportView) -> None:
    job = jobs.get_job(resources, person, found.job.id)
    seen = footprints.count(resources, person, FootprintQuery(job_id=job.id))
    if job.state != "succeeded" or not seen == job.footprint_count == found.report["kept"]:
        raise RuntimeError(f"{job.state}: {seen} of {found.report['kept']} footprints; {job.error_message}")


def _queued(resources: Resources, person: Principal, file: Path) -> ImportView:
    with begin_upload(resources, person, file.name) as upload, file.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            upload.write(chunk)
        received = upload.finish()
    return imports.submit_import(resources, person, received, ImportOptions(crs="EPSG:4326"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
