"""The connection to the database: one engine, transactions that read and transactions that write, and migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.orm import Session

from auth.principals import Asker
from models.geometry_meets import SQLITE_FUNCTION, meets_exactly
from webapp.connection_places import WAIT_S, ConnectionPlaces
from webapp.errors import DatabaseBusy, DiskFull, RequestInvalid
from webapp.live_connections import check_before_use
from webapp.patient_connection import wait_only_for_a_live_server
from webapp.row_security import say_who_asks

MIGRATIONS = Path(__file__).resolve().parent.parent / "models" / "migrations"
SQLITE_BUSY_S = 30
POOL_SIZE = 20
SQLITE_POOL_SIZE, SQLITE_OVERFLOW = 10, 20
CONNECT_S = 5
KEEPALIVE = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
"""Seconds, but milliseconds for the last. A way to the server that was cut without a word is noticed."""
POSTGRESQL_OPTIONS = "-c timezone=UTC -c lock_timeout=20s -c random_page_cost=1.1"
"""PostgreSQL's own cost of a random read, 4, is a spinning disk's: with it, sums read the table and not their index."""
MIGRATION_LOCK = 0x62666D31
"""Key of the advisory lock that lets one process migrate at a time."""


@dataclass(frozen=True)
class Database:
    """An engine, and the two kinds of transaction. Each is for somebody, and PostgreSQL shows it only what is theirs.

    SQLite has no such thing: there the conditions of the queries stand alone.
    """

    engine: Engine
    places: ConnectionPlaces
    """One for each connection that the engine may have."""

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self, asker: Asker) -> Iterator[Session]:
        """Open a session that only reads. Raises `DatabaseBusy` when there is no connection."""
        with self.places.taken(), _busy_is_coded(), Session(self.engine.execution_options(asker=asker)) as session:
            yield session

    @contextmanager
    def write(self, asker: Asker) -> Iterator[Session]:
        """Open a session that is committed at the end, rolled back on any error. Raises `DatabaseBusy` as `read` does.

        On SQLite it takes the write lock at once: a lock that is taken later would fail where another process wrote
        in between.
        """
        engine = self.engine.execution_options(takes_write_lock=True, asker=asker)
        with self.places.taken(), _busy_is_coded(), Session(engine) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Make the engine for a SQLAlchemy address; nothing is connected yet."""
    if make_url(url).get_backend_name() == "sqlite":
        return Database(_sqlite_engine(url), ConnectionPlaces(SQLITE_POOL_SIZE + SQLITE_OVERFLOW))
    # What overflows a pool is closed when it comes back, and a new connection costs more than most questions.
    options = KEEPALIVE | {"connect_timeout": CONNECT_S, "options": POSTGRESQL_OPTIONS}
    engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=WAIT_S, connect_args=options)
    check_before_use(engine)
    wait_only_for_a_live_server(engine)
    event.listen(engine, "begin", say_who_asks)
    return Database(engine, ConnectionPlaces(POOL_SIZE))


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database to a revision (`base` empties it). Safe when several processes start together."""
    database = open_database(url)
    try:
        if database.is_sqlite:
            Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
        with database.engine.execution_options(takes_write_lock=True).begin() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            _run_alembic(connection, revision)
    finally:
        database.close()


def _run_alembic(connection: Connection, revision: str) -> None:
    from alembic import command  # loads slowly, and only the process that migrates needs it
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    if revision == "base":
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _sqlite_engine(url: str) -> Engine:
    sizes = {"pool_size": SQLITE_POOL_SIZE, "max_overflow": SQLITE_OVERFLOW, "pool_timeout": WAIT_S}
    engine = create_engine(url, **sizes, connect_args={"timeout": SQLITE_BUSY_S})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver must not open transactions by itself: `_begin` does
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={SQLITE_BUSY_S * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function(SQLITE_FUNCTION, 2, meets_exactly, deterministic=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("takes_write_lock", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _busy_is_coded() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise DatabaseBusy() from error
    except DBAPIError as error:
        coded = _coded(error)
        if coded is None:
            raise
        raise coded from error


def _coded(error: DBAPIError) -> DatabaseBusy | DiskFull | RequestInvalid | None:
    """Tell an outage, or a text that PostgreSQL cannot hold, from a mistake of ours."""
    if isinstance(error.orig, psycopg.errors.DiskFull):
        return DiskFull()
    if isinstance(error.orig, psycopg.OperationalError) or error.connection_invalidated:
        return DatabaseBusy()
    if isinstance(error.orig, psycopg.DataError) and "NUL" in str(error.orig):
        return RequestInvalid(detail="a text holds the character NUL")
    code = getattr(error.orig, "sqlite_errorname", "")
    if code.startswith("SQLITE_FULL"):
        return DiskFull()
    return (
        DatabaseBusy() if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN")) else None
    )
