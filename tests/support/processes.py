"""Real worker and dispatcher processes, which a test may kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.ending import end_with_parent
from webapp.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
WORKER = ("-m", "celery", "-A", "tests.support.bright_roofs_worker:app", "worker", "--loglevel", "INFO")
DISPATCHER = ("-m", "webapp.dispatcher")
INDEXER = ("-m", "webapp.indexer")


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Return the environment that gives a process these settings."""
    mine = {name.upper() for name in Settings.model_fields}
    values = {name: value for name, value in os.environ.items() if name not in mine}
    chosen = {
        name.upper(): str(getattr(settings, name))
        for name in settings.model_fields_set
        if getattr(settings, name) is not None
    }
    return values | chosen | {"SECRET_KEY": "k" * 40, "PYTHONPATH": str(ROOT)} | more


@contextmanager
def running(arguments: tuple[str, ...], env: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Python process in a group of its own; at the end the whole group is killed."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
    try:
        yield process
    finally:
        kill_group(process)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process and its children as a power cut does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until[T](ask: Callable[[], T], timeout_s: float, what: str, step_s: float = 0.1) -> T:
    """Ask until the answer is true, and return it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(step_s)
    raise AssertionError(f"{what}: not within {timeout_s} s")
