"""`./run bench mvt`: vector tiles of made-up towns from our index, against PostGIS's `ST_AsMVT` on the same data.

`--rows N` sets the number of footprints, `--tiles N` how many tiles of each zoom. The same tiles, the same attributes
and, far out, sums in the same cells. Each subject runs in a process of its own, PostgreSQL in its own server.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import run_child
from benchmarks.report import OURS, Row, publish, row_of
from tests.processing.footprint_index.mvt_reading import only_layer
from tests.support.postgres import why_unavailable

ROWS, QUICK_ROWS = 1_000_000, 200_000
TILES, QUICK_TILES = 16, 8
PEER = "PostGIS ST_AsMVT"
METRICS = (("processor time", "ms", "cpu_ms"), ("time", "ms", "wall_ms"), ("size", "bytes", "bytes"))


def main(arguments: Sequence[str] = ()) -> int:
    """Time both, and print how many times ours the peer's are."""
    options = read_options(arguments)
    chosen = (str(options.rows), str(options.tiles))
    case = f"towns {options.rows:,}"
    ours = run_child(sys.executable, "benchmarks.mvt_ours", *chosen)
    rows = [*subject_rows(OURS, case, ours), row_of(OURS, case, "memory", "MB", [ours["resident_mb"]])]
    reason = why_unavailable()
    if reason is not None:
        print(f"skipped: {PEER}: {reason}")
    else:
        theirs = run_child(sys.executable, "benchmarks.mvt_postgis", *chosen)
        rows += subject_rows(PEER, case, theirs) + ratio_rows(case, ours, theirs)
    publish("mvt", rows, options.json)
    return 0


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return rows, tiles, quick and json."""
    parser = argparse.ArgumentParser(prog="run bench mvt")
    parser.add_argument("--quick", action="store_true", help="fewer tiles and footprints")
    parser.add_argument("--rows", type=int, help=f"made-up footprints ({ROWS:,})")
    parser.add_argument("--tiles", type=int, help=f"tiles of each zoom ({TILES})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    options.tiles = options.tiles or (QUICK_TILES if options.quick else TILES)
    return options


def subject_rows(subject: str, case: str, found: dict[str, Any]) -> list[Row]:
    """Return times, sizes, and what is in the first tile of each zoom, to see that both do the same work."""
    rows = []
    for zoom, values in found["zooms"].items():
        rows += [row_of(subject, f"{case} z{zoom}", metric, unit, values[key]) for metric, unit, key in METRICS]
        features = only_layer(bytes.fromhex(values["first"])).features
        rows.append(row_of(subject, f"{case} z{zoom} first tile", "features", "", [len(features)]))
        buildings = sum(feature.properties.get("count", 1) for feature in features)
        rows.append(row_of(subject, f"{case} z{zoom} first tile", "buildings", "", [buildings]))
    return rows


def ratio_rows(case: str, ours: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    """Return the peer's median over ours."""
    rows = []
    for zoom, values in theirs["zooms"].items():
        for metric, _, key in METRICS[:2]:
            ratio = median(values[key]) / median(ours["zooms"][zoom][key])
            rows.append(row_of(f"{PEER} / ours", f"{case} z{zoom}", metric, "times", [ratio]))
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
