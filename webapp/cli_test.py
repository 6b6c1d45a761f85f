"""`test`: get the real parts that the tests need, then lint, check types and run the tests."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
APT_S = 600
MOST_AT_ONCE = 4


@dataclass(frozen=True)
class RealPart:
    """Something that tests run against: how to see that it is there, and which Debian packages bring it."""

    name: str
    commands: tuple[str, ...]
    files: tuple[str, ...]
    packages: tuple[str, ...]

    def is_there(self) -> bool:
        """Tell whether one of the commands or files exists."""
        if any(shutil.which(command) for command in self.commands):
            return True
        return any(list(Path("/").glob(pattern)) for pattern in self.files)


PARTS = (
    RealPart("PostgreSQL", ("initdb",), ("usr/lib/postgresql/*/bin/initdb",), ("postgresql",)),
    RealPart("PostGIS", (), ("usr/share/postgresql/*/extension/postgis.control",), ("postgresql-postgis",)),
    RealPart("Redis", ("redis-server",), (), ("redis-server",)),
    RealPart("Chromium", ("chromium", "chromium-browser", "google-chrome"), (), ("chromium",)),
)


def add_test(subparsers: Any) -> None:
    """Add the verb."""
    parser = subparsers.add_parser("test", help="lint, check types, run all tests", add_help=False)
    parser.set_defaults(run=run_test, passes_on=True, rest=[])


def run_test(args: argparse.Namespace) -> int:
    """Run everything; with arguments, pytest alone with these. Return 0 when all is well."""
    install_missing_parts()
    steps = [] if args.rest else [("ruff", ["check", "."]), ("mypy", [])]
    pytest = ("pytest", args.rest or side_by_side(len(os.sched_getaffinity(0))))
    failed = [name for name, options in [*steps, pytest] if not _passes(name, options)]
    for part in PARTS:
        if not part.is_there():
            print(f"run: {part.name} is not here, so tests that need it were skipped.")
    print("run: failed: " + ", ".join(failed) if failed else "run: all is well.")
    return 1 if failed else 0


def side_by_side(cores: int) -> list[str]:
    """Return pytest's options for a whole run: many tests wait for processes, so two at least go on at once."""
    return ["-n", str(min(max(cores, 2), MOST_AT_ONCE)), "--dist", "loadfile"]


def install_missing_parts() -> None:
    """Install what is missing, where this is Debian and we are root; tests that lack a part skip and say so."""
    missing = [part for part in PARTS if not part.is_there()]
    if not missing:
        return
    names = ", ".join(part.name for part in missing)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"run: missing here: {names}; root on Debian would install them.", flush=True)
        return
    print(f"run: installing {names} …", flush=True)
    packages = [package for part in missing for package in part.packages]
    if not (_apt("update") and _apt("install", "--yes", "--no-install-recommends", *packages)):
        print(f"run: apt-get could not install all of {' '.join(packages)}.", flush=True)


def _apt(*arguments: str) -> bool:
    """Run apt-get. RUNLEVEL keeps packages from starting servers that nobody asked for."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    try:
        done = subprocess.run(
            ["apt-get", "-qq", *arguments], env=environment, capture_output=True, text=True, timeout=APT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    if done.returncode:
        print(done.stderr.strip()[-2000:], flush=True)
    return done.returncode == 0


def _passes(tool: str, options: list[str]) -> bool:
    started = time.monotonic()
    print(f"run: {tool} {' '.join(options)}".rstrip(), flush=True)
    done = subprocess.run([sys.executable, "-m", tool, *options], cwd=ROOT, check=False)
    print(f"run: {tool} ended with {done.returncode} after {time.monotonic() - started:.0f} s", flush=True)
    return done.returncode == 0
