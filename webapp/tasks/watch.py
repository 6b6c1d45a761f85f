"""The worker's main process: it says that it lives, and ends itself when it no longer gets messages."""

import os
import time
from collections.abc import Callable, Iterable
from threading import Event, Thread

import structlog

from webapp.errors import AppError
from webapp.queue import QUEUE_NAME
from webapp.resources import Resources
from webapp.services.health import forget_worker, note_worker
from webapp.settings import Settings
from webapp.tasks.forking import use_unforked

DEAF_S = 60.0
"""Messages wait, no task runs, and none arrives for this long: the connection to the broker is dead but not closed."""
DEAF_EXIT_CODE = 75
log = structlog.get_logger(__name__)


class WorkerWatch:
    """A thread of the main process. `is_busy` tells whether the worker holds a message; `queues` are what it takes."""

    def __init__(
        self, settings: Settings, name: str, is_busy: Callable[[], bool], queues: Iterable[str] = (QUEUE_NAME,)
    ) -> None:
        self._settings = settings
        self._name = name
        self._queues = tuple(queues)
        self._is_busy = is_busy
        self._ended = Event()
        self._hearing_at = time.monotonic()
        self._thread = Thread(target=self._run, name="worker-watch", daemon=True)

    def start(self) -> None:
        """Start to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch and take the worker off the list."""
        self._ended.set()
        self._thread.join(timeout=self._settings.broker_timeout_s)
        self._with_resources(lambda resources: forget_worker(resources, self._name))

    def _run(self) -> None:
        while True:
            self._with_resources(self._look)
            if self._ended.wait(self._settings.heartbeat_s):
                return

    def _look(self, resources: Resources) -> None:
        note_worker(resources, self._name, os.getpid(), self._queues)
        if self._is_busy() or not resources.queue.waiting(*self._queues):
            self._hearing_at = time.monotonic()
        if time.monotonic() - self._hearing_at > DEAF_S:
            log.error("worker_deaf", name=self._name)
            os._exit(DEAF_EXIT_CODE)  # no job is held; the supervisor starts a new worker

    def _with_resources(self, work: Callable[[Resources], None]) -> None:
        try:
            use_unforked(self._settings, work)
        except AppError as error:
            self._hearing_at = time.monotonic()
            log.warning("watch_failed", code=error.code)
