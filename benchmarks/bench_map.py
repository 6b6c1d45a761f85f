"""`./run bench map`: views of 1200 x 800 px of made-up towns and of a real county, zoom by zoom, against peers.

`--rows N` sets the number of made-up footprints, `--only county` leaves them out. Each subject runs in a process of its
own. Peers draw `--peer-views` of our views, and those that draw polygons get at most `--polygons` footprints (a
million): `--rows 10000000 --only towns --peer-views 2` keeps a run with ten million short. spatialpandas is needed in
this interpreter or in the one that BENCH_SPATIALPANDAS_PYTHON names; the real county lies beside the project. PNG is
part of a view, but not of the peers' polygons.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.children import run_child, why_not
from benchmarks.map_load import COUNTY, REAL, TOWNS, ZOOMS
from benchmarks.report import OURS, Row, publish, row_of

ROWS, QUICK_ROWS = 1_000_000, 100_000
VIEWS, QUICK_VIEWS, PEER_VIEWS = 24, 6, 5
MOST_POLYGONS = 1_000_000
SPATIALPANDAS_PYTHON = os.environ.get("BENCH_SPATIALPANDAS_PYTHON", sys.executable)
PEERS = {
    "datashader points": ("points", sys.executable),
    "geopandas polygons": ("geopandas", sys.executable),
    "spatialpandas polygons": ("spatialpandas", SPATIALPANDAS_PYTHON),
}


def main(arguments: Sequence[str] = ()) -> int:
    """Run all subjects on all data sets that are there."""
    options = read_options(arguments)
    sets = [(TOWNS, options.rows)] + ([(REAL, options.rows)] if COUNTY.is_file() else [])
    sets = [(name, count) for name, count in sets if options.only in (None, name)]
    rows = [row for name, count in sets for row in data_rows(name, count, options)]
    publish("map", rows, options.json)
    if not COUNTY.is_file():
        print(f"skipped: {REAL}: it is not there")
    return 0


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return rows, quick, peer_views, polygons, only and json."""
    parser = argparse.ArgumentParser(prog="run bench map")
    parser.add_argument("--quick", action="store_true", help="fewer views and footprints")
    parser.add_argument("--rows", type=int, help=f"made-up footprints ({ROWS:,})")
    parser.add_argument("--peer-views", type=int, default=PEER_VIEWS, help=f"views that peers draw ({PEER_VIEWS})")
    most = f"footprints for peers that draw polygons ({MOST_POLYGONS:,})"
    parser.add_argument("--polygons", type=int, default=MOST_POLYGONS, help=most)
    parser.add_argument("--only", choices=(TOWNS, REAL), help="one set of footprints")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    return options


def data_rows(name: str, rows: int, options: argparse.Namespace) -> list[Row]:
    """Run all subjects on one data set."""
    views = QUICK_VIEWS if options.quick else VIEWS
    with tempfile.TemporaryDirectory() as folder:
        built = child("map_ours", sys.executable, "build", name, rows, folder)
        ours = child("map_ours", sys.executable, "view", name, rows, folder, views)
    case = f"{name} {ours['rows']:,}"
    found = build_rows(case, built) + our_rows(case, ours)
    for peer, (kind, python) in PEERS.items():
        reason = why_not(python, "spatialpandas") if kind == "spatialpandas" else None
        if reason is not None:
            print(f"skipped: {peer}: {reason}")
            continue
        count = rows if kind == "points" else min(rows, options.polygons)
        theirs = child("map_peers", python, kind, name, count, options.peer_views)
        found += peer_rows(case if count == rows else f"{name} {count:,}", peer, ours, theirs)
        if count == rows:
            found += error_rows(case, ours, theirs)
    return found


def child(module: str, python: str, *arguments: Any) -> Any:
    """Run one subject."""
    print(f"  {module} {' '.join(str(argument) for argument in arguments[:3])}", flush=True)
    return run_child(python, f"benchmarks.{module}", *(str(argument) for argument in arguments))


def build_rows(case: str, built: dict[str, float]) -> list[Row]:
    """Return what building takes."""
    values = (
        ("feed", "µs each", 1e6 * built["apply_s"] / built["rows"]),
        ("merge", "µs each", 1e6 * built["compact_s"] / built["rows"]),
        ("size", "bytes each", built["bytes_each"]),
        ("peak memory", "MB", built["peak_mb"]),
    )
    return [row_of(OURS, f"{case} build", metric, unit, [value]) for metric, unit, value in values]


def our_rows(case: str, ours: dict[str, Any]) -> list[Row]:
    """Return our times at each zoom."""
    rows = [
        row_of(OURS, f"{case} z{zoom} {what}", metric, "ms", values)
        for zoom in ZOOMS
        for what, pair in ours["zooms"][str(zoom)].items()
        for metric, values in zip(("processor time", "time"), pair, strict=True)
    ]
    cpu_ms, wall_ms = ours["added_ms"]
    rows.append(row_of(OURS, f"{case} +10,000 until drawn", "processor time", "ms", cpu_ms))
    rows.append(row_of(OURS, f"{case} +10,000 until drawn", "time", "ms", wall_ms))
    return [*rows, row_of(OURS, case, "memory", "MB", [ours["resident_mb"]])]


def peer_rows(case: str, peer: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    """Return a peer's times, and how many times ours they are."""
    rows = []
    for zoom, (cpu_ms, wall_ms) in theirs["zooms"].items():
        there = row_of(peer, f"{case} z{zoom} view", "processor time", "ms", cpu_ms)
        here = row_of(OURS, "", "", "", ours["zooms"][zoom]["view"][0])
        rows += [there, row_of(peer, f"{case} z{zoom} view", "time", "ms", wall_ms)]
        rows.append(row_of(f"{peer} / ours", f"{case} z{zoom} view", "ratio", "", [there.median / here.median]))
    return [*rows, row_of(peer, case, "memory", "MB", [theirs["resident_mb"]])]


def error_rows(case: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    """Return how far the area that we draw is from the area by shapely."""
    return [
        row_of(OURS, f"{case} z{zoom}", "area error", "%", [100 * abs(ours["covered_m2"][zoom] / area_m2 - 1)])
        for zoom, area_m2 in theirs.get("area_m2", {}).items()
        if area_m2 > 0
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
