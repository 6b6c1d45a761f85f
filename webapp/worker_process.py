"""What every Celery worker of the installation is made of, whatever its tasks: settings, connections, signals."""

import os
import signal
import socket
from functools import cache
from typing import Any

from celery import signals
from celery.worker import state as celery_state

from webapp.logs import configure_logs
from webapp.queue import make_celery
from webapp.resources import Resources, open_resources
from webapp.settings import load_settings
from webapp.tasks.acknowledging import forgive_lost_acknowledgements
from webapp.tasks.freed_memory import give_back_memory
from webapp.tasks.memory_limit import MemoryLimit, TaskInHand
from webapp.tasks.shutdown import ShutdownFlag
from webapp.tasks.watch import WorkerWatch

forgive_lost_acknowledgements()
settings = load_settings()
app = make_celery(settings)
shutdown = ShutdownFlag()
_watches: list[WorkerWatch | MemoryLimit] = []


@cache
def resources() -> Resources:
    """Open connections at the first task of this process, never before a fork."""
    return open_resources(settings)


def process_name() -> str:
    """Return the name under which this process holds leases."""
    return f"{socket.gethostname()}:{os.getpid()}"


@signals.setup_logging.connect(weak=False)
def _set_up_logs(**_: Any) -> None:
    configure_logs(settings, "worker")


@signals.worker_process_init.connect(weak=False)
def _prepare_child(**_: Any) -> None:
    """Let a child end its window before it goes, whoever signals it: the parent, or a supervisor to the group."""
    signal.signal(signal.SIGTERM, lambda number, frame: shutdown.set())


@signals.task_postrun.connect(weak=False)
def _give_back(**_: Any) -> None:
    give_back_memory()


@signals.worker_shutting_down.connect(weak=False)
def _hand_jobs_back(**_: Any) -> None:
    shutdown.set()


@signals.worker_ready.connect(weak=False)
def _start_watch(sender: Any = None, **_: Any) -> None:
    name = getattr(sender, "hostname", None) or process_name()
    watch = WorkerWatch(settings, name, _is_busy, app.amqp.queues.consume_from)
    limit = MemoryLimit(settings, _tasks_in_hand)
    _watches.extend((watch, limit))
    for one in (watch, limit):
        one.start()


@signals.worker_shutdown.connect(weak=False)
def _stop_watch(**_: Any) -> None:
    for watch in _watches:
        watch.stop()


def _is_busy() -> bool:
    return bool(celery_state.reserved_requests or celery_state.active_requests)


def _tasks_in_hand() -> list[TaskInHand]:
    """Return what the processes of this worker are busy with; a message that none has begun yet has no process."""
    requests = list(celery_state.active_requests)
    return [TaskInHand(one.worker_pid, one.name, str(one.args[0])) for one in requests if one.worker_pid and one.args]
