"""Logs: one JSON object a line, to standard error and, if set, a file.

Where a job or an export is worked on, its id and that of the request that asked for it stand in every line.
"""

import logging
import sys
from contextlib import AbstractContextManager
from typing import Any

import structlog

from webapp.settings import Settings

QUIET = ("kombu", "amqp", "httpx", "httpcore", "asyncio", "rasterio", "fiona", "alembic.runtime.migration")


def configure_logs(settings: Settings, process: str) -> None:
    """Send everything, also what libraries log, through one JSON formatter. `process` names who speaks."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = _handlers(settings, formatter)
    root.setLevel(settings.log_level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def lines_about(*, request_id: str | None, **ids: object) -> AbstractContextManager[None]:
    """Put ids into every line of the log that the block writes; no request, no `request_id`."""
    from_request = {} if request_id is None else {"request_id": request_id}
    return structlog.contextvars.bound_contextvars(**ids, **from_request)


def _handlers(settings: Settings, formatter: logging.Formatter) -> list[logging.Handler]:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.log_file is not None:
        settings.log_file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(settings.log_file))
    for handler in handlers:
        handler.setFormatter(formatter)
    return handlers
