"""Whether the database answers, asked beside the pool: a busy pool is no outage. Nothing here hangs."""

import select
import sqlite3
import time

import psycopg
from psycopg import pq

from webapp.database import Database
from webapp.errors import DatabaseBusy
from webapp.patient_connection import connect_beside

ANSWER_S = 2.0


class DatabaseProbe:
    """Asks over a connection of its own, which is kept: where the server takes no new ones, the others still work.

    For use by one thread at a time.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: psycopg.Connection | None = None

    def ask(self) -> str:
        """Return which database answered. Raises `DatabaseBusy` after a few seconds at most."""
        try:
            if self._database.is_sqlite:
                self._read_file()
                return "SQLite"
            self._ask_server()
            return "PostgreSQL"
        except (psycopg.Error, sqlite3.Error, OSError) as error:
            self.close()
            raise DatabaseBusy() from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read_file(self) -> None:
        """Read the head of the file; opened for reading alone, so that a missing one is not made anew."""
        connection = sqlite3.connect(f"file:{self._database.engine.url.database}?mode=ro", uri=True, timeout=ANSWER_S)
        try:
            connection.execute("PRAGMA schema_version").fetchone()
        finally:
            connection.close()

    def _ask_server(self) -> None:
        if self._connection is not None:
            try:
                _ping(self._connection.pgconn)
                return
            except psycopg.OperationalError:
                self.close()  # the server was started again, perhaps
        self._connection = connect_beside(self._database.engine)
        _ping(self._connection.pgconn)


def _ping(connection: pq.abc.PGconn) -> None:
    """Send a statement and wait for its answer, but not for ever: a frozen server keeps its connections open.

    Raises `TimeoutError`, `psycopg.OperationalError`.
    """
    until = time.monotonic() + ANSWER_S
    poller = select.poll()
    poller.register(connection.socket, select.POLLIN)
    connection.send_query(b"SELECT 1")
    while True:
        while connection.is_busy():
            if not poller.poll(max(0.0, until - time.monotonic()) * 1000):
                raise TimeoutError
            connection.consume_input()
        result = connection.get_result()
        if result is None:
            return
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise psycopg.OperationalError(result.get_error_message())
