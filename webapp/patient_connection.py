"""Waits for PostgreSQL as long as it lives: a slow statement is let finish, a frozen server keeps nobody waiting.

A driver waits for an answer without end. Where the server hangs with its sockets open, or what runs it is suspended,
the network reports no fault either. So whoever has waited for a while asks over a new connection whether the server
still answers at all.
"""

import threading
import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event

Result = TypeVar("Result")

ASK_AFTER_S = 3.0
"""A statement that takes longer is asked about, each time this long has passed."""
KEPT_S = 1.0
"""Those who wait at the same time get the same answer."""
CONNECT_S = 2
"""The shortest time limit that libpq takes."""


def connect_beside(engine: Engine) -> psycopg.Connection[Any]:
    """Make a connection beside the pool, for a question that must not hang. Raises `psycopg.Error`."""
    arguments, options = engine.dialect.create_connect_args(engine.url)
    return psycopg.connect(*arguments, **(options | {"connect_timeout": CONNECT_S, "autocommit": True}))


class ServerAlive:
    """Tells whether the server takes connections; where several threads ask, it is looked up once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._found = True
        self._looked_at = float("-inf")

    def ask(self) -> bool:
        """Return whether it answers, or did less than a second ago. Takes about two seconds at most."""
        with self._lock:
            if time.monotonic() - self._looked_at > KEPT_S:
                self._found = self._answers()
                self._looked_at = time.monotonic()
            return self._found

    def _answers(self) -> bool:
        try:
            connect_beside(self._engine).close()
        except psycopg.Error as error:
            return error.sqlstate is not None  # a refusal, such as of one connection too many, is an answer
        return True


class PatientConnection(psycopg.Connection[Any]):
    """A connection on which no wait outlasts the server's life."""

    server: ServerAlive | None = None
    """Unset while the connection is made, which has a time limit of its own."""

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Wait as psycopg does. Raises `psycopg.OperationalError`, and is closed, where the server hangs."""
        if timeout is not None or self.server is None:
            return super().wait(gen, interval, timeout)
        while True:
            try:
                return super().wait(gen, interval, ASK_AFTER_S)
            except psycopg.errors._WaitTimeout:  # named so in the documentation of `wait`
                if self.server.ask():
                    continue
                self.close()
                raise psycopg.OperationalError("the server does not answer, and takes no new connection") from None


def wait_only_for_a_live_server(engine: Engine) -> None:
    """Make all connections of this engine patient ones, PostgreSQL only."""
    server = ServerAlive(engine)

    @event.listens_for(engine, "do_connect")
    def _connect(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> PatientConnection:
        made = PatientConnection.connect(*arguments, **options)
        made.server = server
        return made
