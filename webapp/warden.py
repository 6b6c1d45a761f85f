"""Ends every supervised process when the supervisor itself is gone, however it went.

The warden is a fork that holds one end of a pipe and sleeps. The supervisor tells it the process groups it starts.
When the pipe closes, because the supervisor ended or was killed, what is still on the list is killed, with all
descendants: `PR_SET_PDEATHSIG` alone reaches only direct children.
"""

import ctypes
import os
import signal
from contextlib import suppress

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class Warden:
    """The supervisor's end of the pipe."""

    def __init__(self) -> None:
        """Fork the warden. Call it early: the fork keeps what is open, the lock of the data folder among it."""
        reader, self._writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writer)
            _watch(reader)
        os.close(reader)

    def add(self, group: int) -> None:
        """Have a process group ended with the supervisor."""
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Forget a process group that has ended."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Let the warden end what is left, and wait for it."""
        os.close(self._writer)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):
            os.write(self._writer, line.encode())


def die_with_parent() -> None:
    """In a child, before exec: be killed when the parent ends. Does nothing where the kernel cannot."""
    with suppress(AttributeError):
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill_group(group: int) -> None:
    """Kill what is left of a process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _watch(reader: int) -> None:
    """Run in the fork; never returns."""
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        groups: set[int] = set()
        with os.fdopen(reader) as lines:
            for line in lines:
                (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
        for group in groups:
            kill_group(group)
    finally:
        os._exit(0)
