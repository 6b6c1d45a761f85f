"""A PostgreSQL server of our own in a temporary folder, with PostGIS; and fresh databases in it."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.ending import end_with_parent

SUPERUSER = "postgres"
APP_ROLE = "footprints"
"""As docs/operations.md says: it owns its database, and row-level security holds for it."""
CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
max_connections = 200
shared_buffers = 64MB
fsync = off
"""


@dataclass
class PostgresServer:
    """A server that ends with the tests, however they end."""

    folder: Path
    port: int
    bin: Path
    process: "subprocess.Popen[bytes] | None" = None

    def url(self, database: str, role: str = APP_ROLE) -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def fresh_database(self, template: str = "template1") -> Iterator[str]:
        """Give the address of a database that lives as long as the block."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {APP_ROLE}")
        try:
            yield self.url(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def make_template(self) -> str:
        """Return a database to copy from; PostGIS is in it already, which saves a second per test."""
        self._execute("CREATE DATABASE with_postgis")
        with psycopg.connect(self.url("with_postgis", SUPERUSER), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")
            connection.execute("ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF")
        return "with_postgis"

    def start(self) -> None:
        """Start it and wait until it answers."""
        arguments = [str(self.bin / "postgres"), "-D", str(self.folder / "db")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                arguments,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                user=_user(),
                preexec_fn=end_with_parent(signal.SIGQUIT),
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres", SUPERUSER), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.1)

    def stop_at_once(self) -> None:
        """Stop without a checkpoint, as a crash does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=30)
            self.process = None

    def freeze(self) -> None:
        """Let it hang with all its connections."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self.process is not None
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in (parent, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def restart_at_once(self) -> None:
        """Crash and start again."""
        self.stop_at_once()
        self.start()

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres", SUPERUSER), autocommit=True) as connection:
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
        _make_cluster(server)
        server.start()
        server._execute(f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS")
        yield server
    finally:
        server.stop_at_once()
        shutil.rmtree(folder, ignore_errors=True)


def _make_cluster(server: PostgresServer) -> None:
    arguments = ["-D", str(server.folder / "db"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
    subprocess.run(
        [str(server.bin / "initdb"), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=server.folder,
        user=_user(),
        timeout=120,
    )
    with (server.folder / "db" / "postgresql.conf").open("a") as file:
        file.write(CONFIGURATION.format(port=server.port, folder=server.folder))


def _user() -> str | None:
    return "postgres" if os.geteuid() == 0 else None


def _find_bin() -> Path | None:
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    on_path = shutil.which("initdb")
    candidates += [Path(on_path).resolve().parent] if on_path else []
    return next(
        (folder for folder in candidates if (folder / "initdb").is_file() and (folder / "postgres").is_file()), None
    )


def _has_user(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
