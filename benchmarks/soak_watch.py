"""What the processes of an installation hold while they run: memory, open files, threads. And how that grows."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.memory_watch import children_of, command_of, memory_bytes

EVERY_S = 2.0
WARM_UP_S = 120.0
"""What a process takes at first is no growth."""
MB = 1e6
NAMES = {
    b"webapp.http_server": "web",
    b"webapp.dispatcher": "dispatcher",
    b"webapp.indexer": "indexer",
    b"webapp.worker:app": "worker",
    b"webapp.exporter:app": "exporter",
    b"valkey": "broker",
    b"webapp.cli\0serve": "supervisor",
}


@dataclass
class Life:
    """One process from its start to its end: a row (time in s, memory in bytes, open files, threads) for each look."""

    name: str
    pid: int
    rows: list[tuple[float, int, int, int]] = field(default_factory=list)

    @property
    def lasted_s(self) -> float:
        """How long it was watched after it had warmed up."""
        return max(0.0, self.rows[-1][0] - self.rows[0][0] - WARM_UP_S)

    def growth(self) -> tuple[float, float]:
        """Return megabytes an hour, fitted over its warm life, and their standard error."""
        table = np.array([row for row in self.rows if row[0] >= self.rows[0][0] + WARM_UP_S], float)
        if len(table) < 10:
            return 0.0, float("nan")
        hours, megabytes = table[:, 0] / 3600, table[:, 1] / MB
        # Looks that follow one another are no independent measurements: the mean of every minute is taken as one.
        minutes = np.floor(table[:, 0] / 60)
        means = np.array([[hours[minutes == m].mean(), megabytes[minutes == m].mean()] for m in np.unique(minutes)])
        if len(means) < 4:
            return 0.0, float("nan")
        (slope, _), covariance = np.polyfit(means[:, 0], means[:, 1], 1, cov=True)
        return float(slope), float(np.sqrt(covariance[0, 0]))


@dataclass
class SoakWatch:
    """All lives of an installation's processes."""

    supervisor: int
    lives: dict[tuple[str, int], Life] = field(default_factory=dict)
    _ended: threading.Event = field(default_factory=threading.Event)

    def pids(self) -> dict[str, int]:
        """Return the processes that run now, by name; a worker's child is called `worker child`."""
        found: dict[str, int] = {}
        for pid in (self.supervisor, *children_of(self.supervisor)):
            name = name_of(pid)
            if name is not None:
                found[f"{name} child" if name in found else name] = pid
        return found

    def look(self) -> None:
        """Note what every process holds."""
        now = time.monotonic()
        for name, pid in self.pids().items():
            with suppress(OSError):
                files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
                threads = sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
                life = self.lives.setdefault((name, pid), Life(name, pid))
                life.rows.append((now, memory_bytes(pid, "VmRSS"), files, threads))

    def longest_lives(self) -> list[Life]:
        """Return the longest life of each name."""
        best: dict[str, Life] = {}
        for life in self.lives.values():
            if life.name not in best or life.lasted_s > best[life.name].lasted_s:
                best[life.name] = life
        return list(best.values())

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.look()


@contextmanager
def soaked(supervisor: int) -> Iterator[SoakWatch]:
    """Look every other second for as long as the block lasts."""
    watch = SoakWatch(supervisor)
    thread = threading.Thread(target=watch._run, daemon=True)
    thread.start()
    yield watch
    watch._ended.set()
    thread.join()


def name_of(pid: int) -> str | None:
    """Return what a process is, by its command line; None for one that is no part of the installation."""
    command = command_of(pid)
    return next((name for words, name in NAMES.items() if words in command), None)
