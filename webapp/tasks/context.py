"""What all tasks of a worker process share."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from processing.detector.protocol import Detector
from webapp.errors import DatabaseBusy, DiskFull
from webapp.resources import Resources

RETRY_STEP_S = 1.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class WorkerContext:
    """What a worker process gives to its tasks. `load` returns the detector of named weights, kept between jobs."""

    resources: Resources
    name: str
    load: Callable[[str], Detector]
    is_shutting_down: Callable[[], bool] = lambda: False


def patiently[T](resources: Resources, write: Callable[[], T]) -> T:
    """Write; while the database is away, try again for as long as the lease may last."""
    give_up_at = time.monotonic() + resources.settings.lease_s
    while True:
        try:
            return write()
        except (DatabaseBusy, DiskFull) as error:
            if time.monotonic() > give_up_at:
                raise
            log.warning("write_postponed", code=error.code)
            time.sleep(RETRY_STEP_S)
