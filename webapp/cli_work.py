"""`work`: one more worker for the same database and broker, on this machine or another."""

import argparse
import os
import socket
from pathlib import Path
from typing import Any

from webapp.errors import BrokerUnavailable
from webapp.installation import ROOT, child_environment, prepare_folder, worker_arguments
from webapp.queue import Queue


def add_work(subparsers: Any) -> None:
    """Add the verb and its options."""
    parser = subparsers.add_parser("work", help="start one more worker")
    parser.add_argument("--concurrency", type=int, metavar="N", help="jobs at the same time (WORKER_CONCURRENCY, 1)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder that holds all state (data beside ./run)")
    parser.set_defaults(run=run_work)


def run_work(args: argparse.Namespace) -> int:
    """Become a Celery worker; does not return. Raises `BrokerUnavailable`."""
    settings = args.settings
    prepare_folder(settings.data_dir)
    _require_broker(Queue(settings))
    name = f"extra-{os.getpid()}@{socket.gethostname()}"
    arguments = worker_arguments(name, args.concurrency or settings.worker_concurrency)
    os.chdir(ROOT)
    os.execve(arguments[0], arguments, child_environment(settings))


def _require_broker(queue: Queue) -> None:
    try:
        queue.waiting()
    except BrokerUnavailable as error:
        detail = f"{error.parameters['detail']}; start ./run on this data folder first, or set REDIS_URL"
        raise BrokerUnavailable(detail=detail) from error
    finally:
        queue.close()
