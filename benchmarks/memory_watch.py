"""How much memory processes and their children hold, and how long the children work, sampled while something runs."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

EVERY_S = 0.02
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class MemoryWatch:
    """Peaks since the last `begin`, in bytes."""

    pid: int
    counts_forks: bool = False
    """Whether a child that runs the same program counts: a worker's does; a server's is about to be another one."""
    own_bytes: int = 0
    """Of the process itself."""
    child_bytes: int = 0
    """Of the largest of its children."""
    child_cpu_s: float = 0.0
    """Of the child that worked longest."""
    _ended: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        """Forget the peaks."""
        self.own_bytes, self.child_bytes, self.child_cpu_s = 0, 0, 0.0

    def look(self) -> None:
        """Take one sample."""
        self.own_bytes = max(self.own_bytes, memory_bytes(self.pid, "VmRSS"))
        for child in children_of(self.pid):
            if not self.counts_forks and command_of(child) == command_of(self.pid):
                continue
            # The kernel's own peak: what rose and fell between two samples counts, too.
            self.child_bytes = max(self.child_bytes, memory_bytes(child, "VmHWM"))
            self.child_cpu_s = max(self.child_cpu_s, processor_s(child))

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.look()


@contextmanager
def watched(pid: int, counts_forks: bool = False) -> Iterator[MemoryWatch]:
    """Sample for as long as the block lasts."""
    watch = MemoryWatch(pid, counts_forks)
    thread = threading.Thread(target=watch._run, daemon=True)
    thread.start()
    yield watch
    watch._ended.set()
    thread.join()


def children_of(pid: int) -> list[int]:
    """Return the ids of a process's children and of theirs."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found + [further for child in found for further in children_of(child)]


def command_of(pid: int) -> bytes:
    """Return a process's command line."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def memory_bytes(pid: int, what: str) -> int:
    """Return a figure of /proc/PID/status; 0 for a process that is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) * 1024
    return 0


def forget_peak(pid: int) -> None:
    """Have the kernel count a process's peak (VmHWM) from here on."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def processor_s(pid: int) -> float:
    """Return the processor time of a process so far."""
    with suppress(OSError, IndexError):
        numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(numbers[11]) + int(numbers[12])) / TICKS
    return 0.0
