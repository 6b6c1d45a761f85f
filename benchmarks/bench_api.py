"""`./run bench api`: requests a second and waiting times of the API at a million footprints, against peers.

One web process each, one client process with 8 connections, the same made-up towns. Peers: the same endpoints in plain
FastAPI and SQLAlchemy's ORM (`api_plain.py`), and tipg, which reads the plain implementation's table on PostGIS; it is
needed in this interpreter or in the one that BENCH_TIPG_PYTHON names. `--rows N`, `--seconds N`, `--only sqlite`.
Our SQLite data are made once and kept in runs/; PostGIS is filled on every run. Ours checks keys, limits and what a
person may see; the peers let everybody in.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx

from benchmarks import api_servers
from benchmarks.api_cases import OURS, PLAIN, TIPG, Case, cases_of
from benchmarks.api_data import fill_ours, fill_plain, kept_sqlite
from benchmarks.api_servers import TIPG_PYTHON, Server
from benchmarks.children import run_child, why_not
from benchmarks.mvt_postgis import serve_faster
from benchmarks.report import Row, publish, row_of
from tests.support.postgres import running_server, why_unavailable

ROWS, QUICK_ROWS = 1_000_000, 200_000
SECONDS, QUICK_SECONDS, WARM_S = 10.0, 3.0, 1.0
SQLITE, POSTGIS = "SQLite", "PostGIS"


def main(arguments: Sequence[str] = ()) -> int:
    """Ask every subject on every database that is there."""
    options = read_options(arguments)
    rows: list[Row] = []
    if options.only in (None, "sqlite"):
        rows += on_sqlite(options)
    reason = why_unavailable()
    if reason is not None:
        print(f"skipped: {POSTGIS}: {reason}")
    elif options.only in (None, "postgis"):
        rows += on_postgis(options)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"load of the machine at the end: {load}")
    publish("api", rows, options.json)
    return 0


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return rows, seconds, only, quick and json."""
    parser = argparse.ArgumentParser(prog="run bench api")
    parser.add_argument("--quick", action="store_true", help="fewer footprints and shorter times")
    parser.add_argument("--rows", type=int, help=f"made-up footprints ({ROWS:,})")
    parser.add_argument("--seconds", type=float, help=f"seconds for each question ({SECONDS:g})")
    parser.add_argument("--only", choices=("sqlite", "postgis"), help="one database")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    options.seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    return options


def on_sqlite(options: argparse.Namespace) -> list[Row]:
    """Ask ours and the plain implementation, each with its own file."""
    print(f"  {SQLITE}: {options.rows:,} footprints", flush=True)
    folder = kept_sqlite(options.rows)
    address = f"sqlite:///{folder / 'plain.db'}"
    with api_servers.ours(folder, "", None) as ours, api_servers.plain(folder, address, None) as plain:
        check_same(ours, plain)
        return asked(SQLITE, {OURS: ours, PLAIN: plain}, options)


def on_postgis(options: argparse.Namespace) -> list[Row]:
    """Ask all three, on one database server."""
    print(f"  {POSTGIS}: {options.rows:,} footprints", flush=True)
    with tempfile.TemporaryDirectory() as name, running_server() as server:
        serve_faster(server)
        folder, template = Path(name), server.make_template()
        with server.fresh_database(template) as url, server.fresh_database(template) as other:
            plain_url = other.replace("postgresql://", "postgresql+psycopg://")
            (folder / "data").mkdir()
            fill_ours(folder, options.rows, url)
            fill_plain(plain_url, options.rows)
            with api_servers.ours(folder, url, server) as ours, api_servers.plain(folder, plain_url, server) as plain:
                check_same(ours, plain)
                with tipg_if_there(folder, other, server) as tipg:
                    return asked(POSTGIS, {OURS: ours, PLAIN: plain, **tipg}, options)


@contextmanager
def tipg_if_there(folder: Path, url: str, server: Any) -> Iterator[dict[str, Server]]:
    """Run tipg, or say why not."""
    reason = why_not(TIPG_PYTHON, "tipg,uvicorn")
    if reason is not None:
        print(f"skipped: {TIPG}: {reason}")
        yield {}
        return
    with api_servers.tipg(folder, url, server) as running:
        yield {TIPG: running}


def check_same(ours: Server, plain: Server) -> None:
    """Raise where both do not hold the same: whoever has less would seem faster."""
    counts = [
        httpx.get(f"{server.url}{path}/statistics/overview", headers=server.headers, timeout=60).json()["count"]
        for server, path in ((ours, "/api/v1/buildings"), (plain, "/buildings"))
    ]
    if counts[0] != counts[1]:
        raise RuntimeError(f"ours holds {counts[0]} footprints, the peer {counts[1]}")


def asked(database: str, servers: dict[str, Server], options: argparse.Namespace) -> list[Row]:
    """Ask every question of everybody, one after the other, and compare."""
    rows: list[Row] = []
    for case in cases_of(options.rows):
        name = f"{database} {options.rows:,} {case.name}"
        print(f"  {name}", flush=True)
        found = {who: measured(case, who, server, options) for who, server in servers.items() if who in case.asked}
        for who, one in found.items():
            rows += subject_rows(who, name, one)
            print(f"    {who}: {len(one['took_s']) / one['wall_s']:,.0f} a second", flush=True)
        rows += [row for who, one in found.items() if who != OURS for row in ratio_rows(who, name, found[OURS], one)]
    return rows


def measured(case: Case, who: str, server: Server, options: argparse.Namespace) -> dict[str, Any]:
    """Ask one subject for some seconds, after a second that does not count."""
    ask(server, case.asked[who](server), WARM_S)
    paths = case.asked[who](server)
    before = server.processor_s()
    found: dict[str, Any] = ask(server, paths, options.seconds)
    after = server.processor_s()
    answers = len(found["took_s"])
    found["web_ms"], found["database_ms"] = (1e3 * (b - a) / answers for a, b in zip(before, after, strict=True))
    if found["errors"]:
        raise RuntimeError(f"{who}, {case.name}: answers {found['errors']}")
    return found


def ask(server: Server, paths: list[str], seconds: float) -> Any:
    """Run the client."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"headers": server.headers, "paths": paths}, file)
        file.flush()
        return run_child(sys.executable, "benchmarks.api_client", server.url, str(seconds), file.name)


def subject_rows(who: str, case: str, found: dict[str, Any]) -> list[Row]:
    """Return what was measured of one subject."""
    took_ms = [1e3 * value for value in found["took_s"]]
    slow_ms = quantiles(took_ms, n=100, method="inclusive")[-1] if len(took_ms) > 1 else took_ms[0]
    values = (
        ("requests", "/s", len(took_ms) / found["wall_s"]),
        ("p50", "ms", median(took_ms)),
        ("p99", "ms", slow_ms),
        ("web processor time", "ms", found["web_ms"]),
        ("database processor time", "ms", found["database_ms"]),
        ("answer", "bytes", found["mean_bytes"]),
    )
    return [row_of(who, case, metric, unit, [value]) for metric, unit, value in values]


def ratio_rows(who: str, case: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    """Return how many times theirs ours is: in requests a second, and in processor time the other way round."""
    rates = [len(one["took_s"]) / one["wall_s"] for one in (ours, theirs)]
    work_ms = [one["web_ms"] + one["database_ms"] for one in (ours, theirs)]
    return [
        row_of(f"ours / {who}", case, "requests", "times", [rates[0] / rates[1]]),
        row_of(f"{who} / ours", case, "processor time", "times", [work_ms[1] / max(work_ms[0], 1e-9)]),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
