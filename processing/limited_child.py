"""Run a check in a child process with limits, so that no file can take its parent down.

The child (`confined_child`) may read the file that is checked and the program, and change a folder that is named, but
nothing else; it has no network. It reads one JSON object from stdin and writes one to stdout.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processing import errors
from processing.errors import ProcessingError

ROOT = Path(__file__).resolve().parents[1]
INHERITED = (
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH"),
    *("PYTHONPATH", "PYTHONSAFEPATH", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS"),
)
"""Of the parent's environment, which holds keys and passwords."""


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What a child may take. `memory_bytes` is address space: libraries reserve far more than they touch."""

    memory_bytes: int
    cpu_s: int
    written_bytes: int
    """Size of any one file."""


class ChildFailed(Exception):
    """The child gave no answer that can be read; the text tells how it ended."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a child is asked: a module with a function `answer`, what that is given, and which files it may touch."""

    module: str
    request: Mapping[str, Any]
    reads: Sequence[Path]
    changes: Sequence[Path] = ()


def run_limited(question: Question, wall_s: float) -> dict[str, Any]:
    """Return what the module answers to the request, in a process of its own.

    Raises the `ProcessingError` that the child met, and `ChildFailed` for one that died, hung or said nothing sensible.
    """
    asked = {
        "request": question.request,
        "reads": [str(path.resolve()) for path in question.reads],
        "changes": [str(path.resolve()) for path in question.changes],
    }
    try:
        child = subprocess.run(
            [sys.executable, "-m", "processing.confined_child", question.module],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=wall_s,
            cwd=ROOT,
            env={name: os.environ[name] for name in INHERITED if name in os.environ},
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

