"""`./run bench caches`: does anything that a process remembers ever answer what is no longer so, or is another's?

Two users, an administrator and a stranger ask, change things and lose rights in random order
(`tests/support/cached_answers.py`); each answer is compared with the answer to the same question once all that the
process remembers is taken away. `--steps N`, `--seed N`. The exit code is 1 where an answer differed.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from benchmarks.counts import Counted, publish_counts
from tests.support.cached_answers import Interleaving, Tally
from tests.support.own_loop import run_alone
from tests.support.postgres import running_server, why_unavailable
from webapp.database import migrate
from webapp.resources import open_resources
from webapp.settings import load_settings

STEPS, QUICK_STEPS = 12_000, 500
NO_LIMITS = dict.fromkeys(
    ("free_calls_per_hour", "free_jobs_per_hour", "premium_calls_per_hour", "public_calls_per_minute"), 0
)
SHOWN = 20


def main(arguments: Sequence[str] = ()) -> int:
    """Live on both databases; return 1 where an answer was wrong."""
    parser = argparse.ArgumentParser(prog="run bench caches")
    parser.add_argument("--quick", action="store_true", help="few steps")
    parser.add_argument("--steps", type=int, help=f"steps on both databases together ({STEPS:,})")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    steps = (options.steps or (QUICK_STEPS if options.quick else STEPS)) // 2
    with tempfile.TemporaryDirectory() as folder:
        found = lived(f"sqlite:///{folder}/app.db", Path(folder) / "sqlite", steps, options.seed)
    reason = why_unavailable()
    if reason is not None:
        print(f"skipped: PostGIS: {reason}")
        return publish_counts("caches", found, options.json)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server() as server,
        server.fresh_database(server.make_template()) as url,
    ):
        found += lived(url, Path(folder), steps, options.seed + 1)
    return publish_counts("caches", found, options.json)


def lived(url: str, folder: Path, steps: int, seed: int) -> list[Counted]:
    """Take the steps on one database; print what was wrong."""
    settings = load_settings(**NO_LIMITS, data_dir=folder, database_url=url)
    migrate(settings.database_address)
    resources = open_resources(settings)
    began_at = time.monotonic()
    try:
        tally: Tally = run_alone(Interleaving(resources, seed).live(steps))
    finally:
        resources.close()
    database = "SQLite" if resources.database.is_sqlite else "PostGIS"
    for line in tally.wrong[:SHOWN]:
        print(f"WRONG: {database}: {line}")
    changed = sum(tally.changes.values())
    case = f"{database}: {tally.compared:,} answers compared, {tally.not_modified} not modified, {changed} changes"
    return [Counted(case, "wrong answers", len(tally.wrong), 0, time.monotonic() - began_at)]
