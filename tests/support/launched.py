"""Real `./run` processes: started, waited for, stopped, and looked for afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from webapp.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "run"
START_S = 200
STOP_S = 60


def require_own_environment() -> None:
    """Skip unless `./run` would use the very environment that the tests run in, without changing it."""
    venv = ROOT / ".venv"
    if not venv.exists() or not Path(sys.prefix).samefile(venv):
        pytest.skip("these tests start ./run itself and need its environment: use ./run test")
    sums = [f"{name} {_cksum(ROOT / name)}" for name in ("requirements.txt",)]
    stamp = venv / ".installed"
    if not stamp.exists() or not set(sums) <= set(stamp.read_text().splitlines()):
        pytest.skip("the environment is not the one that ./run made: use ./run test")


def plain_environment(**more: str) -> dict[str, str]:
    """Return the environment without any setting of the product."""
    mine = {name.upper() for name in Settings.model_fields} | {"PYTHONPATH", "PYTHONSAFEPATH"}
    return {name: value for name, value in os.environ.items() if name not in mine} | more


def run_to_end(*arguments: str, timeout_s: float = 120, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run `./run` with arguments until it ends."""
    options: dict[str, Any] = {"env": plain_environment()} | more
    options |= {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    return subprocess.run([RUN, *arguments], timeout=timeout_s, check=False, **options)


@dataclass
class Launched:
    """A `./run serve` on a free port."""

    process: "subprocess.Popen[str]"
    data_dir: Path
    ready_file: Path
    output_file: Path
    address: str = field(default="")

    def wait_until_ready(self) -> None:
        """Wait for the ready file, or fail with what was printed."""
        deadline = time.monotonic() + START_S
        while not self.ready_file.exists():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)
        self.address = self.ready_file.read_text().strip()

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self.output_file.read_text()

    def interrupt(self) -> int:
        """Press Ctrl-C and wait; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=STOP_S)

    def child(self, words: str) -> int:
        """Return the process id of a direct child by a part of its command line."""
        pid = self.child_or_none(words)
        assert pid is not None, f"there is no child {words}"
        return pid

    def child_or_none(self, words: str) -> int | None:
        """Return the process id of a direct child, if it is there."""
        pids = processes_of(self.data_dir)
        return next((p for p in pids if _parent(p) == self.process.pid and words in _read(p, "cmdline")), None)


@contextmanager
def launched(data_dir: Path, ready_file: Path, *arguments: str, **more: str) -> Iterator[Launched]:
    """Start `./run serve` from a folder that is not the checkout; whatever happens, nothing stays behind."""
    output = ready_file.with_suffix(".out")
    command = [str(RUN), "serve", "--port", "0", "--data", str(data_dir), "--ready-file", str(ready_file), *arguments]
    with output.open("w") as file:
        process = subprocess.Popen(
            command, cwd=ready_file.parent, env=plain_environment(**more), stdout=file, stderr=file, text=True
        )
    running = Launched(process, data_dir, ready_file, output)
    try:
        yield running
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        wait_until_gone(data_dir)


def processes_of(data_dir: Path) -> list[int]:
    """Return the ids of all processes that work for a data folder."""
    wanted = str(data_dir)
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) != os.getpid()]
    return [pid for pid in pids if wanted in _read(pid, "environ") + _read(pid, "cmdline") + _folder(pid)]


def wait_until_gone(data_dir: Path, limit_s: float = 10) -> list[int]:
    """Wait until nobody works for the folder any more; return who still does."""
    deadline = time.monotonic() + limit_s
    while (left := processes_of(data_dir)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def post_json(address: str, values: dict[str, str]) -> dict[str, Any]:
    """Send JSON, return JSON."""
    request = urllib.request.Request(
        address, data=json.dumps(values).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return dict(json.load(answer))


def _cksum(path: Path) -> str:
    with path.open("rb") as file:
        return subprocess.run(["cksum"], stdin=file, capture_output=True, text=True, check=True).stdout.strip()


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _folder(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/cwd").readlink())
    except OSError:
        return ""


def _parent(pid: int) -> int:
    status = _read(pid, "stat")
    return int(status.rpartition(")")[2].split()[1]) if status else 0
