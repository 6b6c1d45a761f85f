"""A PostgreSQL server of our own in a temporary folder, with PostGIS; and fresh databases in it."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 200
shared_buffers = 64MB
fsync = off
"""


@dataclass(frozen=True)
class PostgresServer:
    """A running server. `run` prefixes commands with a change of user when the tests run as root."""

    folder: Path
    port: int
    bin: Path

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def fresh_database(self, template: str = "template1") -> Iterator[str]:
        """Give the address of a database that lives as long as the block."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def make_template(self) -> str:
        """Return a database to copy from; PostGIS is in it already, which saves a second per test."""
        self._execute("CREATE DATABASE with_postgis")
        with psycopg.connect(self.url("with_postgis"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")
        return "with_postgis"

    def restart_at_once(self) -> None:
        """Stop without a checkpoint, as a crash does, and start again."""
        _control(self, "-m", "immediate", "-w", "restart")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


def why_unavailable() -> str | None:
    """Say why no server can be started here; None if it can."""
    if _find_bin() is None:
        return "PostgreSQL is not installed (apt-get install postgresql-15 postgresql-15-postgis-3)"
    if not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")) and not shutil.which("shp2pgsql"):
        return "PostGIS is not installed (apt-get install postgresql-15-postgis-3)"
    if os.geteuid() == 0 and not _has_user("postgres"):
        return "PostgreSQL does not run as root, and there is no user postgres"
    return None


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Start a server, and stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pgtest-"))
    server = PostgresServer(folder, _free_port(), _find_bin() or Path())
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        _run(
            server,
            "initdb",
            "-D",
            str(folder / "db"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
            "--no-instructions",
        )
        text = CONFIGURATION.format(port=server.port, folder=folder)
        with (folder / "db" / "postgresql.conf").open("a") as file:
            file.write(text)
        _control(server, "-w", "start")
        yield server
        _control(server, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _control(server: PostgresServer, *arguments: str) -> None:
    _run(server, "pg_ctl", "-D", str(server.folder / "db"), "-l", str(server.folder / "log"), *arguments)


def _run(server: PostgresServer, program: str, *arguments: str) -> None:
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(
        [str(server.bin / program), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=server.folder,
        user=user,
        timeout=120,
    )


def _find_bin() -> Path | None:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    on_path = shutil.which("initdb")
    candidates += [Path(on_path).resolve().parent] if on_path else []
    return next(
        (folder for folder in candidates if (folder / "initdb").is_file() and (folder / "pg_ctl").is_file()), None
    )


def _has_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
