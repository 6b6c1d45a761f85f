"""What all benchmarks have in common: their options, the machine, the rows, and how they are shown and kept."""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median, quantiles

OURS = "ours"


@dataclass(frozen=True, slots=True)
class Row:
    """One measured quantity. `subject` is `ours` or the name of a peer."""

    subject: str
    case: str
    metric: str
    unit: str
    median: float
    p95: float
    n: int


def read_options(bench: str, arguments: Sequence[str]) -> argparse.Namespace:
    """Return `quick` and `json`, which every benchmark takes."""
    parser = argparse.ArgumentParser(prog=f"run bench {bench}")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and smaller inputs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    return parser.parse_args(arguments)


def row_of(subject: str, case: str, metric: str, unit: str, values: Sequence[float]) -> Row:
    """Sum up repeated measurements; with fewer than two, the 95th percentile is the value itself."""
    p95 = quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    return Row(subject, case, metric, unit, median(values), p95, len(values))


def publish(bench: str, rows: Sequence[Row], json_file: Path | None) -> None:
    """Print the rows, and write them to a file if one is named."""
    machine = describe_machine()
    print(f"{bench} on {machine}")
    for row in rows:
        value = f"{row.median:,.4g} {row.unit} (p95 {row.p95:,.4g}, n {row.n})"
        print(f"  {row.subject:<28} {row.case:<32} {row.metric:<16} {value}")
    if json_file is not None:
        content = {"bench": bench, "machine": machine, "rows": [asdict(row) for row in rows]}
        json_file.write_text(json.dumps(content, indent=2) + "\n")


def describe_machine() -> str:
    """Return processor, cores and memory in words."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} cores, {memory_gb:.0f} GB, Python {platform.python_version()}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
