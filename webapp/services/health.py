"""Whether the installation works: database, broker, workers, disk. And the workers' sign of life."""

import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select

from auth.principals import SYSTEM
from models.base import now_s
from models.job import WorkerBeat
from webapp.errors import AppError, DiskFull
from webapp.queue import EXPORT_QUEUE, QUEUE_NAME
from webapp.resources import Resources
from webapp.row_security import weaknesses

BEATS_MISSED = 3
TOLD_BY_DATABASE = ("worker", "exporter")


@dataclass(frozen=True, slots=True)
class Check:
    """One part: whether it works, and a few words."""

    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Health:
    """All parts by name: database, broker, worker, exporter, disk."""

    ok: bool
    checks: dict[str, Check]


def check_health(resources: Resources) -> Health:
    """Look at every part. Takes at most a few seconds, also where a part hangs."""
    parts: dict[str, Callable[[Resources], str]] = {
        "database": _database,
        "broker": broker_state,
        "worker": _worker,
        "exporter": _exporter,
        "disk": disk_state,
    }
    checks: dict[str, Check] = {}
    for name, look in parts.items():
        if name in TOLD_BY_DATABASE and not checks["database"].ok:
            checks[name] = Check(False, "Not known: the database, which tells it, does not answer.")
        else:
            checks[name] = checked(partial(look, resources))
    return Health(ok=all(check.ok for check in checks.values()), checks=checks)


def note_worker(
    resources: Resources, name: str, pid: int, queues: Collection[str] = (QUEUE_NAME, EXPORT_QUEUE)
) -> None:
    """Write that a worker is alive, and which queues it takes."""
    with resources.database.write(SYSTEM) as session:
        beat = session.get(WorkerBeat, name)
        if beat is None:
            session.add(WorkerBeat(name=name, pid=pid, queues=sorted(queues)))
        else:
            beat.started_at = beat.started_at if beat.pid == pid else now_s()
            beat.pid, beat.seen_at, beat.queues = pid, now_s(), sorted(queues)


def forget_worker(resources: Resources, name: str) -> None:
    """Take a worker off the list: it was shut down."""
    with resources.database.write(SYSTEM) as session:
        beat = session.get(WorkerBeat, name)
        if beat is not None:
            session.delete(beat)


def count_workers(resources: Resources, queue: str = QUEUE_NAME) -> int:
    """Count the workers seen lately that take a queue; that of extractions and imports unless another is named."""
    limit_s = resources.settings.heartbeat_s * BEATS_MISSED
    with resources.database.read(SYSTEM) as session:
        seen = session.scalars(select(WorkerBeat.queues).where(WorkerBeat.seen_at > now_s() - limit_s))
        return sum(queue in queues for queues in seen)


def checked(look: Callable[[], str]) -> Check:
    """Look at a part, and tell what came of it; an error is told in words."""
    try:
        return Check(True, look())
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


def broker_state(resources: Resources) -> str:
    """Say how many jobs wait in the broker. Raises `BrokerUnavailable`."""
    return f"{resources.queue.waiting()} waiting"


def _worker(resources: Resources) -> str:
    number = count_workers(resources)
    if not number:
        raise _NoWorker()
    return f"{number} seen"


def _exporter(resources: Resources) -> str:
    number = count_workers(resources, EXPORT_QUEUE)
    if not number:
        raise _NoExporter()
    return f"{number} seen"


def disk_state(resources: Resources) -> str:
    """Say how much room is left. Raises `DiskFull`."""
    free = shutil.disk_usage(resources.settings.data_dir).free
    if free < resources.settings.free_disk_bytes:
        raise DiskFull()
    return f"{free / 1e9:.1f} GB free"


class _NoWorker(AppError):
    """No worker was seen lately."""

    code = "NoWorker"
    template = "No worker was seen lately; jobs wait."


class _NoExporter(AppError):
    """No worker that takes exports was seen lately."""

    code = "NoExporter"
    template = "No worker for exports was seen lately; exports wait."
