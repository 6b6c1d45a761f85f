"""`./run bench load`: one web process with ever more clients than it has connections to its database.

10, 40 and 80 clients (four times the pool) ask for lists, single footprints and statistics, one in ten for sums that
take long, and one in twenty goes away in mid-answer. On PostGIS the 80 ask again while another program locks the table
for half of the time, so that every connection is held. `--rows N`, `--seconds N`, `--only postgis`.
The exit code is 1 where an answer took more than 10 seconds, was an error other than DatabaseBusy (503), or where the
server did not answer at once when all was over.
"""

import argparse
import asyncio
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import psycopg

from benchmarks.api_data import fill_ours
from benchmarks.api_servers import Server, ours
from benchmarks.load_clients import BROKEN, GONE, HANG_S, Load, load_for, questions_of
from benchmarks.report import OURS, Row, publish, row_of
from tests.support.postgres import SUPERUSER, PostgresServer, running_server, why_unavailable
from webapp.database import POOL_SIZE

ROWS, QUICK_ROWS = 200_000, 50_000
SECONDS, QUICK_SECONDS = 8.0, 4.0
CLIENTS = (10, 40, 4 * POOL_SIZE)
SQLITE, POSTGIS = "SQLite", "PostGIS"
WELL = ("200", "503", GONE)
SAMPLE_S = 0.1
COUNT = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND usename <> %s"


@dataclass(frozen=True)
class Stage:
    """A number of clients, and whether the table is locked meanwhile."""

    clients: int
    locks: bool = False

    @property
    def name(self) -> str:
        """What it is called in the results."""
        return f"{self.clients} clients" + (", table locked" if self.locks else "")


def main(arguments: Sequence[str] = ()) -> int:
    """Load one web process on each database; return 1 where a promise was broken."""
    options = read_options(arguments)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only in (None, "sqlite"):
            rows += on_sqlite(folder / "sqlite", options)
        reason = why_unavailable()
        if reason is not None:
            print(f"skipped: {POSTGIS}: {reason}")
        elif options.only in (None, "postgis"):
            rows += on_postgis(folder / "postgis", options)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"load of the machine at the end: {load}")
    publish("load", rows, options.json)
    broken = [row for row in rows if row.metric.startswith("NOT ") and row.median]
    return 1 if broken else 0


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return rows, seconds, only, quick and json."""
    parser = argparse.ArgumentParser(prog="run bench load")
    parser.add_argument("--quick", action="store_true", help="fewer footprints and shorter times")
    parser.add_argument("--rows", type=int, help=f"made-up footprints ({ROWS:,})")
    parser.add_argument("--seconds", type=float, help=f"seconds for each number of clients ({SECONDS:g})")
    parser.add_argument("--only", choices=("sqlite", "postgis"), help="one database")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    return options


def on_sqlite(folder: Path, options: argparse.Namespace) -> list[Row]:
    """Load a server on SQLite."""
    (folder / "data").mkdir(parents=True)
    fill_ours(folder, options.rows, "")
    with ours(folder, "", None) as server:
        return [row for clients in CLIENTS for row in run_stage(SQLITE, server, Stage(clients), options)]


def on_postgis(folder: Path, options: argparse.Namespace) -> list[Row]:
    """Load a server on PostGIS, in the end with a locked table."""
    (folder / "data").mkdir(parents=True)
    stages = [*(Stage(clients) for clients in CLIENTS), Stage(CLIENTS[-1], locks=True)]
    with running_server() as postgres, postgres.fresh_database(postgres.make_template()) as url:
        fill_ours(folder, options.rows, url)
        with ours(folder, url, postgres) as server:
            return [row for stage in stages for row in run_stage(POSTGIS, server, stage, options, url)]


def run_stage(
    database: str, server: Server, stage: Stage, options: argparse.Namespace, database_url: str = ""
) -> list[Row]:
    """Load the server for a while; return what came of it."""
    questions = questions_of(server.url, server.headers, options.rows)
    before_s, connections = sum(server.processor_s()), [0]
    with ExitStack() as around:
        if server.postgres is not None:
            name = database_url.rsplit("/", 1)[-1]
            around.enter_context(connections_counted(server.postgres, name, connections))
            if stage.locks:
                around.enter_context(table_locked(server.postgres, name, options.seconds / 4, options.seconds / 2))
        load = asyncio.run(load_for(questions, stage.clients, options.seconds))
    processor_s = sum(server.processor_s()) - before_s
    case = f"{database}, {stage.name}"
    rows = [*rows_of(case, load), row_of(OURS, case, "processor", "s", [processor_s])]
    if server.postgres is not None:
        rows.append(row_of(OURS, case, "most connections", "", [max(connections)]))
    return [*rows, row_of(OURS, case, "answer afterwards", "s", [answered_afterwards_s(server)])]


def rows_of(case: str, load: Load) -> Iterator[Row]:
    """Yield rates, times and counts of a stage; what must never be is called NOT …."""
    answered = [took_s for _, status, took_s in load.answers if status in ("200", GONE)]
    refused = [took_s for _, status, took_s in load.answers if status not in ("200", GONE)]
    yield row_of(OURS, case, "requests/s", "/s", [len(load.answers) / load.wall_s])
    for name, values in (("answered", answered), ("refused", refused)):
        for share in (50, 95, 99) if values else ():
            yield row_of(OURS, case, f"{name}, p{share}", "s", [float(np.percentile(values, share))])
        if values:
            yield row_of(OURS, case, f"{name}, longest", "s", [max(values)])
    statuses = Counter(status for _, status, _ in load.answers)
    for status, number in sorted(statuses.items()):
        yield row_of(OURS, case, f"status {status}", "", [number])
    hangs = sum(took_s > HANG_S for *_, took_s in load.answers)
    wrong = sum(number for status, number in statuses.items() if status not in WELL)
    yield row_of(OURS, case, f"NOT within {HANG_S:g} s", "", [hangs])
    yield row_of(OURS, case, f"NOT 200 or 503, {BROKEN}", "", [wrong])


def answered_afterwards_s(server: Server) -> float:
    """Return how long one more answer takes; raises where it is no good one."""
    began = time.perf_counter()
    httpx.get(f"{server.url}/api/v1/buildings/1", headers=server.headers, timeout=HANG_S).raise_for_status()
    return time.perf_counter() - began


@contextmanager
def connections_counted(postgres: PostgresServer, name: str, found: list[int]) -> Iterator[None]:
    """Note ten times a second how many connections the database has, for as long as the block lasts."""
    over = threading.Event()

    def count() -> None:
        with psycopg.connect(postgres.url("postgres", SUPERUSER), autocommit=True) as connection:
            while not over.wait(SAMPLE_S):
                row = connection.execute(COUNT, (name, SUPERUSER)).fetchone()
                found.append(row[0] if row else 0)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def table_locked(postgres: PostgresServer, name: str, after_s: float, for_s: float) -> Iterator[None]:
    """Lock the footprints against everybody, a moment after the block begins."""

    def lock() -> None:
        time.sleep(after_s)
        with psycopg.connect(postgres.url(name, SUPERUSER)) as connection:
            connection.execute("LOCK TABLE building_footprints IN ACCESS EXCLUSIVE MODE")
            time.sleep(for_s)

    thread = threading.Thread(target=lock)
    thread.start()
    try:
        yield
    finally:
        thread.join()
