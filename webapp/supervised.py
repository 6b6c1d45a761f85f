"""One supervised process: started in a group of its own, its output read, started again after a crash."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from webapp.log_files import LogFile
from webapp.warden import Warden, die_with_parent, kill_group

BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
STEADY_S = 60.0
"""A process that ran this long has recovered: its next crash is its first."""


@dataclass(frozen=True)
class Command:
    """How to start a process, and how long it may take to stop."""

    name: str
    arguments: list[str]
    folder: Path
    environment: dict[str, str]
    stop_s: float
    descriptors: tuple[int, ...] = ()
    is_errand: bool = False
    """It ends by itself, is not started again, and what it prints is for the person at the console."""


@dataclass
class Supervised:
    """A process and its log."""

    command: Command
    log: LogFile
    warden: Warden
    process: "subprocess.Popen[bytes] | None" = None
    crashes: int = 0
    started_at: float = 0.0
    restart_at: float | None = None
    last_lines: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name for people."""
        return self.command.name

    @property
    def is_running(self) -> bool:
        """Tell whether the process is there."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it. Raises `OSError`."""
        supervisor = os.getpid()

        def prepare() -> None:
            die_with_parent()
            if os.getppid() != supervisor:
                os._exit(1)

        self.process = subprocess.Popen(
            self.command.arguments,
            cwd=self.command.folder,
            env=self.command.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=self.command.descriptors,
            start_new_session=True,
            preexec_fn=prepare,
        )
        self.warden.add(self.process.pid)
        self.started_at, self.restart_at = time.monotonic(), None
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)

    @property
    def output(self) -> int:
        """Descriptor of what it prints; -1 when there is none."""
        return self.process.stdout.fileno() if self.process is not None and self.process.stdout is not None else -1

    def read_output(self) -> bytes | None:
        """Copy to the log what it printed, and return it; None: nothing now, empty: nothing ever again."""
        try:
            data = os.read(self.output, 65536)
        except BlockingIOError:
            return None
        self.log.write(data)
        lines = [line for line in data.decode(errors="replace").splitlines() if line.strip()]
        self.last_lines = (self.last_lines + lines)[-20:]
        return data

    def collect(self) -> str:
        """Take leave of a process that has ended, and of its descendants; say how it ended."""
        assert self.process is not None
        code = self.process.wait()
        kill_group(self.process.pid)
        while self.read_output():
            pass
        self.warden.remove(self.process.pid)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    def plan_restart(self) -> float:
        """Note a crash; return the seconds until it is to be started again."""
        if time.monotonic() - self.started_at > STEADY_S:
            self.crashes = 0
        delay_s = BACKOFF_S[min(self.crashes, len(BACKOFF_S) - 1)]
        self.crashes += 1
        self.restart_at = time.monotonic() + delay_s
        return delay_s

    def terminate(self) -> None:
        """Ask it to stop."""
        if self.is_running and self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End it and its descendants now."""
        if self.process is not None:
            kill_group(self.process.pid)
