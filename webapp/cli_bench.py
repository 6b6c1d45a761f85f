"""`bench NAME`: run one of `benchmarks/bench_*.py`, each of which has `main(arguments) -> int`."""

import argparse
import importlib
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
PREFIX = "bench_"


def add_bench(subparsers: Any) -> None:
    """Add the verb and its options."""
    parser = subparsers.add_parser("bench", help="measure; without NAME the names are listed", add_help=False)
    parser.add_argument("name", metavar="NAME", nargs="?")
    parser.set_defaults(run=run_bench, passes_on=True, rest=[])


def run_bench(args: argparse.Namespace) -> int:
    """Run a benchmark; return its exit code."""
    names = benchmark_names()
    if args.name is None:
        print("Benchmarks: " + (", ".join(names) or "none"))
        return 0
    if args.name not in names:
        print(f"run: there is no benchmark '{args.name}'; there are: {', '.join(names) or 'none'}")
        return 2
    module = importlib.import_module(f"benchmarks.{PREFIX}{args.name}")
    return int(module.main(args.rest) or 0)


def benchmark_names() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(path.stem.removeprefix(PREFIX) for path in BENCHMARKS.glob(f"{PREFIX}*.py"))
