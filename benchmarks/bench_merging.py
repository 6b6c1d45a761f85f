"""`./run bench merging`: 10,000, 100,000 and 1,000,000 made-up detections, each in a process of its own.

The seconds are processor time of merging, tracing and squaring. The exponent says how time grows with the number of
detections: 1 is linear.
"""

import math
import sys
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.children import run_child
from benchmarks.report import OURS, Row, publish, read_options, row_of

COUNTS = (10_000, 100_000, 1_000_000)
QUICK_COUNTS = (3_000, 10_000)


def main(arguments: Sequence[str] = ()) -> int:
    """Run all sizes and print how time and memory grow."""
    options = read_options("merging", arguments)
    counts = QUICK_COUNTS if options.quick else COUNTS
    runs = [run_child(sys.executable, "benchmarks.merging_load", str(count)) for count in counts]
    publish("merging", [row for run in runs for row in size_rows(run)] + growth_rows(runs), options.json)
    return 0


def size_rows(run: dict[str, float]) -> list[Row]:
    """Return the rows of one size."""
    case = f"{run['detections']:,.0f} detections"
    values = (
        ("buildings", "count", run["buildings"]),
        ("processor time", "s", run["seconds"]),
        ("time each", "µs", 1e6 * run["seconds"] / run["detections"]),
        ("held back", "count", run["waiting"]),
        ("peak memory", "MB", run["peak_mb"]),
        ("memory grown", "MB", run["grown_mb"]),
    )
    return [row_of(OURS, case, metric, unit, [value]) for metric, unit, value in values]


def growth_rows(runs: Sequence[dict[str, float]]) -> list[Row]:
    """Return the exponent of growth between each size and the next."""
    return [
        row_of(OURS, f"{before['detections']:,.0f} to {after['detections']:,.0f}", "exponent", "", [exponent])
        for before, after in pairwise(runs)
        for exponent in [
            math.log(after["seconds"] / before["seconds"]) / math.log(after["detections"] / before["detections"])
        ]
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
