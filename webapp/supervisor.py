"""Starts broker, dispatcher, worker and server, watches them, and stops them in order.

One thread, one loop. It starts processes only from the main thread, because a child that is to die with its parent
dies with the thread that started it.
"""

import os
import selectors
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

from webapp.console import Console
from webapp.errors import AppError
from webapp.log_files import LogFile
from webapp.supervised import Command, Supervised
from webapp.warden import Warden

TICK_S = 0.2
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StartFailed(AppError):
    """Something keeps the installation from running."""

    code = "StartFailed"
    template = "{detail}"


class StopRequested(Exception):
    """Somebody asked to stop while something was waited for."""


@dataclass
class Supervisor:
    """The processes of one installation. `run_forever` returns when somebody asks to stop."""

    console: Console
    warden: Warden
    children: list[Supervised] = field(default_factory=list)
    stop_requests: int = 0
    is_stopping: bool = False
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        """Take over the signals, and let them wake the loop."""
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._selector.register(reader, selectors.EVENT_READ, None)
        for number in STOP_SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means what it says
                signal.signal(number, self._note_stop)

    def start(self, command: Command, log: LogFile) -> Supervised:
        """Start a process and watch it from now on. Raises `StartFailed`."""
        child = Supervised(command, log, self.warden)
        self.children.append(child)
        try:
            self._start(child)
        except OSError as error:
            raise StartFailed(detail=f"The {child.name} cannot be started: {error}.") from error
        return child

    def wait_until(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Wait for a condition while everything runs; False when the time is over.

        Raises `StopRequested`, and `StartFailed` where a process ends meanwhile.
        """
        deadline = time.monotonic() + limit_s
        while True:
            if condition():
                return True
            if time.monotonic() > deadline:
                return False
            self._turn()
            for child in self.children:
                if not child.is_running:
                    self._forget_output(child)
                    raise StartFailed(detail=_why_it_ended(child, child.collect()))

    def start_again(self, child: Supervised) -> None:
        """Start a process once more that ended or hangs. Raises `OSError`."""
        if child.process is not None:
            child.kill()
            self._forget_output(child)
            child.collect()
        self._start(child)

    def run_forever(self) -> None:
        """Keep everything running; start again what crashes. Returns when somebody asks to stop."""
        with suppress(StopRequested):
            while True:
                self._turn()
                for child in list(self.children):
                    self._look_after(child)

    def stop(self) -> None:
        """Stop everything, the last started first; a second request stops waiting."""
        self.is_stopping = True
        for child in reversed(self.children):
            self._stop(child)
        self._selector.close()

    def _start(self, child: Supervised) -> None:
        child.start()
        self._selector.register(child.output, selectors.EVENT_READ, child)

    def _look_after(self, child: Supervised) -> None:
        if child.process is None:
            if child.restart_at is not None and time.monotonic() >= child.restart_at:
                self._restart(child)
        elif not child.is_running:
            self._collect(child)

    def _restart(self, child: Supervised) -> None:
        try:
            self._start(child)
        except OSError as error:
            self.console.line(child.name, f"cannot be started: {error}")
            child.plan_restart()

    def _collect(self, child: Supervised) -> None:
        self._forget_output(child)
        ending = child.collect()
        if child.command.is_errand:
            self.children.remove(child)
            return
        delay_s = child.plan_restart()
        self.console.line(child.name, f"stopped ({ending}); starting it again in {delay_s:.0f} s")

    def _stop(self, child: Supervised) -> None:
        if child.process is None:
            return
        child.terminate()
        deadline = time.monotonic() + child.command.stop_s
        while child.is_running and time.monotonic() < deadline and self.stop_requests < 2:
            self._turn()
        if child.is_running:
            child.kill()
        self._forget_output(child)
        child.collect()

    def _turn(self) -> None:
        """Wait a moment, and take what the processes print. Raises `StopRequested`."""
        for key, _ in self._selector.select(TICK_S):
            if key.data is None:
                os.read(key.fd, 64)
            else:
                self._take_output(key.data)
        if self.stop_requests and not self.is_stopping:
            raise StopRequested

    def _take_output(self, child: Supervised) -> None:
        data = child.read_output()
        if data == b"":
            self._forget_output(child)
        elif data and child.command.is_errand:
            self.console.pass_on(data.decode(errors="replace"))

    def _forget_output(self, child: Supervised) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(child.output)

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requests += 1


def _why_it_ended(child: Supervised, ending: str) -> str:
    last = child.last_lines[-1].strip()[:300] if child.last_lines else "it printed nothing"
    return f"The {child.name} ended while it was starting ({ending}): {last} (log: {child.log.path})"
