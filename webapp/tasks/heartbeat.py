"""The thread that holds a job's lease while the work goes on, and learns when to stop."""

import os
import signal
import time
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

import structlog

from webapp.errors import AppError
from webapp.resources import Resources
from webapp.services import leases
from webapp.services.claims import Beat, Claim

LOOK_S = 1.0
"""A cancel is seen within this time, and within one window."""
log = structlog.get_logger(__name__)


class Heartbeat:
    """Renews the lease until the block ends. `should_stop` is for the pipeline: asking it counts as progress."""

    def __init__(self, resources: Resources, claim: Claim, is_shutting_down: Callable[[], bool]) -> None:
        self.beat = Beat(cancel_requested=False, lost=False)
        self.is_shutting_down = is_shutting_down
        self._resources = resources
        self._claim = claim
        self._ended = Event()
        self._windows_done = 0
        self._windows_written = 0
        self._heard_at = self._progress_at = time.monotonic()
        self._thread = Thread(target=self._run, name=f"heartbeat-{claim.job_id}", daemon=True)

    def should_stop(self) -> bool:
        """Tell whether to leave off: cancelled, lease lost, or this worker is being shut down."""
        self._progress_at = time.monotonic()
        return self.beat.must_stop or self.is_shutting_down()

    def on_window(self, windows_done: int, windows_total: int) -> None:
        """Note progress; the thread writes it within a second."""
        self._progress_at = time.monotonic()
        self._windows_done = windows_done

    def __enter__(self) -> Self:
        """Start to beat."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop beating."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        settings = self._resources.settings
        step_s = min(LOOK_S, settings.heartbeat_s / 2)
        next_beat_at = time.monotonic() + settings.heartbeat_s
        while not self._ended.wait(step_s):
            self._end_if_stalled(settings.stall_s)
            due = time.monotonic() >= next_beat_at or self._windows_done != self._windows_written
            if self._ask(self._write if due else leases.look) and due:
                next_beat_at = time.monotonic() + settings.heartbeat_s
            if self.beat.lost:
                return

    def _write(self, resources: Resources, claim: Claim) -> Beat:
        windows_done = self._windows_done
        beat = leases.heartbeat(resources, claim, windows_done)
        self._windows_written = windows_done
        return beat

    def _ask(self, question: Callable[[Resources, Claim], Beat]) -> bool:
        """Ask the row; while the database is away, go on until the lease must have run out."""
        try:
            self.beat = question(self._resources, self._claim)
            self._heard_at = time.monotonic()
            return True
        except AppError as error:
            log.warning("heartbeat_failed", job_id=self._claim.job_id, code=error.code)
            if time.monotonic() - self._heard_at > self._resources.settings.lease_s:
                self.beat = Beat(cancel_requested=self.beat.cancel_requested, lost=True)
            return False

    def _end_if_stalled(self, stall_s: float) -> None:
        """Kill a process that hangs inside native code: nothing gentler would reach it, and the job gets a new one."""
        if time.monotonic() - self._progress_at > stall_s:
            log.error("worker_stalled", job_id=self._claim.job_id, stall_s=stall_s)
            os.kill(os.getpid(), signal.SIGKILL)
