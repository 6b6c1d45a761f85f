"""Writing at the end of long work: a database that is away for a moment must not cost it."""

import time
from collections.abc import Callable

import structlog

from webapp.errors import DatabaseBusy, DiskFull
from webapp.resources import Resources

RETRY_STEP_S = 1.0
log = structlog.get_logger(__name__)


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
