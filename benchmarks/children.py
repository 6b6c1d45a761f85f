"""Measurements that run in processes of their own, so that each has its own peak of memory and its own interpreter."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TORCH_PYTHON = os.environ.get("BENCH_TORCH_PYTHON", sys.executable)
"""The interpreter that has torch and torchvision: this one, or the one that `./run bench` prepared."""


def run_child(python: str, module: str, *arguments: str) -> Any:
    """Run `module` and return the JSON value of the last line that it printed. Raises RuntimeError where it failed."""
    command = [python, "-m", module, *arguments]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{child.stderr}")
    return json.loads(child.stdout.splitlines()[-1])


def why_not(python: str, modules: str) -> str | None:
    """Return why an interpreter cannot import `modules` (names with commas), or None."""
    child = subprocess.run([python, "-c", f"import {modules}"], capture_output=True, text=True, check=False)
    return None if child.returncode == 0 else (child.stderr.strip().splitlines() or ["it does not start"])[-1]
