"""The broker, seen from the side that sends: Celery's configuration, publishing, and how much waits."""

from dataclasses import dataclass
from functools import cached_property

from celery import Celery
from kombu.exceptions import KombuError
from kombu.exceptions import OperationalError as BrokerError
from redis import Redis
from redis.exceptions import RedisError

from webapp.errors import BrokerUnavailable
from webapp.settings import Settings

QUEUE_NAME = "extraction"
EXPORT_QUEUE = "exports"
"""Apart from extractions, behind one of which an export would wait for hours."""
EXTRACTION_TASK = "extract_buildings_from_image"
IMPORT_TASK = "import_footprints"
TASKS = {"extraction": EXTRACTION_TASK, "import": IMPORT_TASK}
"""By the kind of the job."""
EXPORT_TASK = "write_export"
CLEANUP_TASK = "cleanup_old_jobs"
VISIBILITY_TIMEOUT_S = 300
"""When the broker hands out an unacknowledged message again. Harmless: the job's lease decides who works."""


def make_celery(settings: Settings) -> Celery:
    """Return the Celery application of this installation: JSON only, no results, one message at a time."""
    app = Celery("building_footprint_ai", broker=settings.broker_address or None, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_store_errors_even_if_ignored=False,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.worker_concurrency,
        worker_max_memory_per_child=_replaced_above_kb(settings.worker_memory_mb),
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        task_default_queue=QUEUE_NAME,
        task_routes={EXPORT_TASK: {"queue": EXPORT_QUEUE}},
        task_publish_retry=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=settings.broker_timeout_s,
        broker_transport_options=_transport_options(settings.broker_timeout_s),
    )
    return app


@dataclass(frozen=True)
class Queue:
    """Sends messages that hold one id and nothing else. No call blocks longer than the broker's time limit."""

    settings: Settings

    @cached_property
    def _celery(self) -> Celery:
        return make_celery(self.settings)

    @cached_property
    def _redis(self) -> Redis:
        limit_s = self.settings.broker_timeout_s
        return Redis.from_url(self._address(), socket_timeout=limit_s, socket_connect_timeout=limit_s)

    def publish(self, task: str, *arguments: str) -> None:
        """Send one message. Raises `BrokerUnavailable`."""
        self._address()
        try:
            self._celery.send_task(task, args=list(arguments), retry=False, ignore_result=True)
        except (BrokerError, KombuError, RedisError, OSError) as error:
            raise BrokerUnavailable(detail=type(error).__name__) from error

    def waiting(self, *queues: str) -> int:
        """Count the messages that no worker has taken yet, of extractions unless named. Raises `BrokerUnavailable`."""
        try:
            return sum(int(str(self._redis.llen(name))) for name in queues or (QUEUE_NAME,))
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(detail=type(error).__name__) from error

    def _address(self) -> str:
        address = self.settings.broker_address
        if not address:
            raise BrokerUnavailable(detail="REDIS_URL is not set, and no broker runs here")
        return address

    def close(self) -> None:
        """Close connections."""
        if "_redis" in self.__dict__:
            self._redis.close()
        if "_celery" in self.__dict__:
            self._celery.close()


def _replaced_above_kb(worker_memory_mb: int) -> int | None:
    """Return the peak after which a process is replaced when its task has ended.

    What it may still hold then must not count against the next job (`webapp.tasks.memory_limit` ends a job that takes
    too much while it runs).
    """
    return worker_memory_mb * 1000 * 3 // 4 or None


def _transport_options(limit_s: float) -> dict[str, object]:
    return {
        "visibility_timeout": VISIBILITY_TIMEOUT_S,
        "socket_timeout": limit_s,
        "socket_connect_timeout": limit_s,
        "retry_on_timeout": False,
        "max_retries": 0,
    }
