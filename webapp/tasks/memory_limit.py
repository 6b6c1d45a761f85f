"""Ends a job or an export whose process takes more memory than it may, before the kernel ends something else.

A limit on address space would not do: ONNX Runtime and torch reserve many times what they touch. Celery's own
`worker_max_memory_per_child` acts between tasks only. So the worker's main process looks at what its children hold,
kills the one that holds too much, and writes the end of what it worked on. The pool replaces the child.
"""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

import structlog

from models.job_states import JobState
from webapp.errors import AppError, LeaseLost, WorkerMemoryExceeded
from webapp.export_errors import ExportLost
from webapp.logs import lines_about
from webapp.queue import EXPORT_TASK, TASKS
from webapp.resources import Resources
from webapp.services import export_leases, leases
from webapp.services.claims import JobError
from webapp.settings import Settings
from webapp.tasks.forking import use_unforked
from webapp.tasks.process_memory import held_bytes, tree_of

LOOK_S = 0.1
"""A process fills fresh memory at 1 to 2 GB/s: a job can be 200 MB above the limit when it is ended."""
MB = 1_000_000
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TaskInHand:
    """A message that a process works on: the name of its task, and the id that it holds."""

    pid: int
    task: str
    id: str


def memory_exceeded(settings: Settings) -> JobError:
    """Return why a job ended that took more memory than it may."""
    error = WorkerMemoryExceeded(limit_mb=settings.worker_memory_mb)
    return JobError(error.code, str(error))


class MemoryLimit:
    """A thread of a worker's main process. `in_hand` tells which processes work on what."""

    def __init__(self, settings: Settings, in_hand: Callable[[], list[TaskInHand]]) -> None:
        self._settings = settings
        self._in_hand = in_hand
        self._ended = Event()
        self._unwritten: list[TaskInHand] = []
        self._thread = Thread(target=self._run, name="memory-limit", daemon=True)

    def start(self) -> None:
        """Start to look, where there is a limit."""
        if self._settings.worker_memory_mb:
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=self._settings.broker_timeout_s)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            with suppress(RuntimeError):  # the worker's list of messages changed under our eyes: look again
                for work in self._in_hand():
                    self._end_if_too_large(work)
            self._unwritten = [work for work in self._unwritten if not self._is_written(work)]

    def _end_if_too_large(self, work: TaskInHand) -> None:
        processes = tree_of(work.pid)
        held = held_bytes(processes)
        if held <= self._settings.worker_memory_mb * MB:
            return
        for pid in processes:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        log.error("memory_exceeded", task=work.task, held_mb=held // MB, limit_mb=self._settings.worker_memory_mb)
        self._unwritten.append(work)

    def _is_written(self, work: TaskInHand) -> bool:
        """Write how a job ended; while the database is away, try again until another worker holds the job."""
        try:
            use_unforked(self._settings, lambda resources: _end(resources, work))
        except AppError as error:
            log.warning("end_postponed", code=error.code)
            return False
        return True


def _end(resources: Resources, work: TaskInHand) -> None:
    owner, error = f"{socket.gethostname()}:{work.pid}", memory_exceeded(resources.settings)
    with suppress(LeaseLost, ExportLost):
        if work.task == EXPORT_TASK and (export := export_leases.claim_of(resources, work.id, owner)):
            with lines_about(request_id=export.request_id, export_id=work.id, attempt=export.attempt):
                log.info("export_left", state=str(export_leases.fail(resources, export, error)))
        if work.task in TASKS.values() and (job := leases.claim_of(resources, work.id, owner)):
            with lines_about(request_id=job.request_id, job_id=work.id, attempt=job.attempt):
                log.info("job_left", state=str(leases.finish(resources, job, JobState.FAILED, error)))
