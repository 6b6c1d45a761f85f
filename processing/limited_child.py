"""Run a check in a child process with limits, so that no file can take its parent down.

The child's module reads one JSON object from stdin and writes one to stdout: `run_limited` asks, `answer_once` answers.
"""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processing import errors
from processing.errors import ProcessingError

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What a child may take. `memory_bytes` is address space: libraries reserve far more than they touch."""

    memory_bytes: int
    cpu_s: int
    written_bytes: int
    """Size of any one file."""


class ChildFailed(Exception):
    """The child gave no answer that can be read; the text tells how it ended."""


def run_limited(module: str, request: Mapping[str, Any], wall_s: float) -> dict[str, Any]:
    """Return what `python -m module` answers to a request.

    Raises the `ProcessingError` that the child met, and `ChildFailed` for one that died, hung or said nothing sensible.
    """
    try:
        child = subprocess.run(
            [sys.executable, "-m", module],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=wall_s,
            cwd=ROOT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ChildFailed(f"took longer than {wall_s:g} s") from error
    return _read(child)


def _read(child: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    answer: dict[str, Any] | None = None
    with suppress(ValueError):
        answer = json.loads(child.stdout.splitlines()[-1]) if child.stdout.strip() else None
    if answer is None:
        raise ChildFailed(f"ended with {_end_of(child.returncode)}")
    if "code" not in answer:
        return answer
    kind = getattr(errors, answer["code"], None)
    if not (isinstance(kind, type) and issubclass(kind, ProcessingError)):
        raise ChildFailed("failed")
    raise kind(**answer["parameters"])


def _end_of(returncode: int) -> str:
    return f"signal {signal.Signals(-returncode).name}" if returncode < 0 else f"exit code {returncode}"


def limit_this_process(limits: ChildLimits) -> None:
    """Take the limits on, for good."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.written_bytes, limits.written_bytes))


def answer_once(request: dict[str, Any], check: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """In the child: write what `check` returns, or the `ProcessingError` it raises.

    What GDAL prints before stays on lines of its own.
    """
    try:
        answer = check(request)
    except ProcessingError as error:
        answer = {"code": error.code, "parameters": error.parameters}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
