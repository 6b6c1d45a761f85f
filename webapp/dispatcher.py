"""The dispatcher: `python -m webapp.dispatcher`. It sends what waits, puts lost jobs right, keeps the schedule.

Several may run; one leads, the others wait until it is gone.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

import structlog
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from webapp.errors import AppError
from webapp.queue import CLEANUP_TASK
from webapp.resources import Resources
from webapp.services.dispatch import publish_outbox, reconcile
from webapp.services.export_dispatch import publish_exports, reconcile_exports
from webapp.services.resumable_uploads import remove_expired_uploads
from webapp.services.uploads import sweep_incoming
from webapp.standing_process import standing_process

LEADER_LOCK = 0x62666D32
FOLLOWER_WAIT_S = 2.0
CLEANUP_EVERY_S = 3600.0
UPLOADS_EVERY_S = 600.0
log = structlog.get_logger(__name__)


@dataclass
class Chore:
    """Something to do every so often. A failure is logged and the chore is tried again at its next time."""

    name: str
    every_s: float
    work: Callable[[Resources], object]
    due_at: float = 0.0

    def run_if_due(self, resources: Resources) -> None:
        """Do it if it is time."""
        if time.monotonic() < self.due_at:
            return
        self.due_at = time.monotonic() + self.every_s
        try:
            self.work(resources)
        except AppError as error:
            log.warning("chore_postponed", chore=self.name, code=error.code)
        except Exception:
            log.exception("chore_failed", chore=self.name)


def run_dispatcher(resources: Resources, ended: Event) -> None:
    """Lead whenever nobody else does, until `ended` is set."""
    sweep_incoming(resources)
    while not ended.is_set():
        with _leadership(resources) as leads:
            if leads():
                log.info("dispatcher_leads")
                _lead(resources, ended, leads)
        ended.wait(FOLLOWER_WAIT_S)


def _lead(resources: Resources, ended: Event, leads: Callable[[], bool]) -> None:
    settings = resources.settings
    chores = (
        Chore("relay", settings.relay_s, publish_outbox),
        Chore("relay of exports", settings.relay_s, publish_exports),
        Chore("reconcile", settings.reconcile_s, reconcile),
        Chore("reconcile exports", settings.reconcile_s, reconcile_exports),
        Chore("expired uploads", UPLOADS_EVERY_S, remove_expired_uploads),
        Chore("cleanup", CLEANUP_EVERY_S, lambda held: held.queue.publish(CLEANUP_TASK)),
    )
    while not ended.is_set():
        if not leads():
            log.warning("leadership_lost")
            return
        for chore in chores:
            chore.run_if_due(resources)
        ended.wait(settings.relay_s)


@contextmanager
def _leadership(resources: Resources) -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether this process leads. The lock goes with the process or its connection."""
    if resources.database.is_sqlite:
        with (resources.settings.data_dir / "dispatcher.lock").open("wb") as file:
            locked = _lock_file(file)
            yield lambda: locked
        return
    connection = _connect_and_lock(resources)
    try:
        yield lambda: connection is not None and _is_alive(connection)
    finally:
        if connection is not None:
            connection.invalidate()  # back in the pool it would keep the lock
            connection.close()


def _connect_and_lock(resources: Resources) -> Connection | None:
    try:
        connection = resources.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LEADER_LOCK}):
            return connection
        connection.close()
    except SQLAlchemyError as error:
        log.warning("database_unavailable", error=type(error).__name__)
    return None


def _lock_file(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_alive(connection: Connection) -> bool:
    try:
        connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    with standing_process("dispatcher") as (resources, ended):
        run_dispatcher(resources, ended)


if __name__ == "__main__":
    main()
