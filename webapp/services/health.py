"""Whether the installation works: database, broker, worker, disk. And the workers' sign of life."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select

from auth.principals import SYSTEM
from models.base import now_s
from models.job import WorkerBeat
from webapp.errors import AppError, DiskFull
from webapp.resources import Resources
from webapp.row_security import weaknesses

EXPORTER_PREFIX = "exports@"
"""Names of workers that take exports alone begin so."""
BEATS_MISSED = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One part: whether it works, and a few words."""

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Health:
    """All parts by name: database, broker, worker, disk."""

    ok: bool
    checks: dict[str, Check]


def check_health(resources: Resources) -> Health:
    """Look at every part. Takes at most a few seconds, also where a part hangs."""
    parts: dict[str, Callable[[Resources], str]] = {
        "database": _database,
        "broker": _broker,
        "worker": _worker,
        "disk": _disk,
    }
    checks = {name: _checked(resources, look) for name, look in parts.items()}
    return Health(ok=all(check.ok for check in checks.values()), checks=checks)


def note_worker(resources: Resources, name: str, pid: int) -> None:
    """Write that a worker is alive."""
    with resources.database.write(SYSTEM) as session:
        beat = session.get(WorkerBeat, name)
        if beat is None:
            session.add(WorkerBeat(name=name, pid=pid))
        else:
            beat.started_at = beat.started_at if beat.pid == pid else now_s()
            beat.pid, beat.seen_at = pid, now_s()


def forget_worker(resources: Resources, name: str) -> None:
    """Take a worker off the list: it was shut down."""
    with resources.database.write(SYSTEM) as session:
        beat = session.get(WorkerBeat, name)
        if beat is not None:
            session.delete(beat)


def count_workers(resources: Resources) -> int:
    """Count the workers seen lately that take extractions."""
    limit_s = resources.settings.heartbeat_s * BEATS_MISSED
    with resources.database.read(SYSTEM) as session:
        seen = (WorkerBeat.seen_at > now_s() - limit_s, WorkerBeat.name.not_like(f"{EXPORTER_PREFIX}%"))
        return session.scalars(select(func.count(WorkerBeat.name)).where(*seen)).one()


def _checked(resources: Resources, look: Callable[[Resources], str]) -> Check:
    try:
        return Check(True, look(resources))
    except AppError as error:
        return Check(False, str(error))
    except Exception as error:
        return Check(False, f"It does not work ({type(error).__name__}).")


def _database(resources: Resources) -> str:
    with resources.database.read(SYSTEM) as session:
        session.execute(select(now_s()))
        if resources.database.is_sqlite:
            return "SQLite"
        return "; ".join(("PostgreSQL", *weaknesses(session.connection())))


def _broker(resources: Resources) -> str:
    return f"{resources.queue.waiting()} waiting"


def _worker(resources: Resources) -> str:
    number = count_workers(resources)
    if not number:
        raise _NoWorker()
    return f"{number} seen"


def _disk(resources: Resources) -> str:
    free = shutil.disk_usage(resources.settings.data_dir).free
    if free < resources.settings.free_disk_bytes:
        raise DiskFull()
    return f"{free / 1e9:.1f} GB free"


class _NoWorker(AppError):
    """No worker was seen lately."""

    code = "NoWorker"
    template = "No worker was seen lately; jobs wait."
