"""What a process that stands beside the web server begins and ends with."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from webapp.logs import configure_logs
from webapp.resources import Resources, open_resources
from webapp.settings import load_settings


@contextmanager
def standing_process(name: str) -> Iterator[tuple[Resources, Event]]:
    """Open the installation for a process of this name; the event is set by SIGTERM or SIGINT."""
    settings = load_settings()
    configure_logs(settings, name)
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    resources = open_resources(settings)
    try:
        yield resources, ended
    finally:
        resources.close()
