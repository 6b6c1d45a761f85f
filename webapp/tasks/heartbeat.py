"""The thread that holds the lease of a job or an export while the work goes on, and learns when to stop."""

import os
import signal
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Protocol, Self

import structlog

from webapp.errors import AppError
from webapp.resources import Resources
from webapp.services import export_leases, leases
from webapp.services.claims import Beat, Claim
from webapp.services.export_leases import ExportClaim

LOOK_S = 1.0
"""A cancel is seen within this time, and within one window."""
log = structlog.get_logger(__name__)


class Held(Protocol):
    """What is held by lease."""

    @property
    def name(self) -> str:
        """Name for logs."""
        ...

    def renew(self, resources: Resources, progress: int) -> Beat:
        """Hold it for longer, and write the progress."""
        ...

    def look(self, resources: Resources) -> Beat:
        """Ask the row, without writing."""
        ...


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job's lease."""

    claim: Claim

    @property
    def name(self) -> str:
        """Name for logs."""
        return f"job {self.claim.job_id}"

    def renew(self, resources: Resources, progress: int) -> Beat:
        """Write to the job's row."""
        return leases.heartbeat(resources, self.claim, progress)

    def look(self, resources: Resources) -> Beat:
        """Read the job's row."""
        return leases.look(resources, self.claim)


@dataclass(frozen=True, slots=True)
class HeldExport:
    """An export's lease."""

    claim: ExportClaim

    @property
    def name(self) -> str:
        """Name for logs."""
        return f"export {self.claim.export_id}"

    def renew(self, resources: Resources, progress: int) -> Beat:
        """Write to the export's row."""
        return export_leases.heartbeat(resources, self.claim, progress)

    def look(self, resources: Resources) -> Beat:
        """Read the export's row."""
        return export_leases.look(resources, self.claim)


class Heartbeat:
    """Renews the lease until the block ends. `should_stop` is for the work: asking it counts as progress.

    `stall_s`: a process whose work does not ask for this long hangs, and is killed; the settings' one unless given.
    """

    def __init__(
        self,
        resources: Resources,
        held: Held,
        is_shutting_down: Callable[[], bool],
        stall_s: float | None = None,
    ) -> None:
        self.beat = Beat(cancel_requested=False, lost=False)
        self.is_shutting_down = is_shutting_down
        self._resources = resources
        self._held = held
        self._stall_s = stall_s or resources.settings.stall_s
        self._ended = Event()
        self._progress = 0
        self._progress_written = 0
        self._heard_at = self._progress_at = time.monotonic()
        in_context = copy_context().run  # its lines in the log are about the same job
        self._thread = Thread(target=in_context, args=(self._run,), name=f"heartbeat of {held.name}", daemon=True)

    def should_stop(self) -> bool:
        """Tell whether to leave off: cancelled, lease lost, or this worker is being shut down."""
        self._progress_at = time.monotonic()
        return self.beat.must_stop or self.is_shutting_down()

    def on_window(self, windows_done: int, windows_total: int) -> None:
        """Note progress in windows."""
        self.on_progress(windows_done)

    def on_progress(self, done: int) -> None:
        """Note progress; the thread writes it within a second."""
        self._progress_at = time.monotonic()
        self._progress = done

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
            self._end_if_stalled()
            due = time.monotonic() >= next_beat_at or self._progress != self._progress_written
            if self._ask(self._write if due else self._held.look) and due:
                next_beat_at = time.monotonic() + settings.heartbeat_s
            if self.beat.lost:
                return

    def _write(self, resources: Resources) -> Beat:
        progress = self._progress
        beat = self._held.renew(resources, progress)
        self._progress_written = progress
        return beat

    def _ask(self, question: Callable[[Resources], Beat]) -> bool:
        """Ask the row; while the database is away, go on until the lease must have run out."""
        try:
            self.beat = question(self._resources)
            self._heard_at = time.monotonic()
            return True
        except AppError as error:
            log.warning("heartbeat_failed", held=self._held.name, code=error.code)
            if time.monotonic() - self._heard_at > self._resources.settings.lease_s:
                self.beat = Beat(cancel_requested=self.beat.cancel_requested, lost=True)
            return False

    def _end_if_stalled(self) -> None:
        """Kill a process that hangs inside native code: nothing gentler would reach it, and the work gets a new one."""
        if time.monotonic() - self._progress_at > self._stall_s:
            log.error("worker_stalled", held=self._held.name, stall_s=self._stall_s)
            os.kill(os.getpid(), signal.SIGKILL)
