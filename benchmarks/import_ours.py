"""The worker's part of an import in a process of its own, which may be killed.

`python -m benchmarks.import_ours work DATA JOB` does the job, `… index DATA JOB` feeds the index; both print the cost.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.exports_ours import peak_mb
from webapp.resources import Resources, open_resources
from webapp.services.index_feeding import feed_indexes
from webapp.settings import load_settings
from webapp.tasks.context import WorkerContext
from webapp.tasks.jobs import run_job

LEASE_S = 1.0


def open_folder(folder: Path) -> Resources:
    """Open an installation whose workers lose their jobs soon after they die."""
    return open_resources(load_settings(data_dir=folder, lease_s=LEASE_S, heartbeat_s=LEASE_S / 4))


def main(what: str, folder: str, job_id: str) -> None:
    """Do it and print what it took."""
    resources = open_folder(Path(folder))
    work: dict[str, Callable[[], Any]] = {
        "work": lambda: run_job(WorkerContext(resources, "bench", _no_detector), job_id),
        "index": lambda: feed_indexes(resources, [None]),
    }
    before_mb, wall_s, cpu_s = peak_mb(), time.perf_counter(), time.process_time()
    answer = str(work[what]())
    took = {"wall_s": time.perf_counter() - wall_s, "cpu_s": time.process_time() - cpu_s}
    print(json.dumps(took | {"answer": answer, "peak_mb": peak_mb(), "before_mb": before_mb}))


def _no_detector(weights: str) -> Any:
    raise RuntimeError(f"an import has no use for {weights}")


if __name__ == "__main__":
    main(*sys.argv[1:])
