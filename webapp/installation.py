"""What an installation's processes share on this machine: the data folder and its lock, the port, the commands."""

import errno
import fcntl
import os
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from webapp.embedded_broker import EmbeddedBroker
from webapp.queue import EXPORT_QUEUE, QUEUE_NAME
from webapp.settings import Settings
from webapp.supervised import Command
from webapp.supervisor import StartFailed

ROOT = Path(__file__).resolve().parent.parent
LOCK_NAME = "supervisor.lock"
LOCK_WAIT_S = 5.0
"""A killed predecessor's warden holds the lock until its processes are gone."""
FREE_MIN_BYTES = 50_000_000
WORKER_STOP_S = 20.0


def prepare_folder(data_dir: Path) -> None:
    """Make the data folder, closed to others, and see that it can be written. Raises `StartFailed`."""
    try:
        if not data_dir.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data_dir / "logs").mkdir(exist_ok=True)
        probe = data_dir / f".probe-{os.getpid()}"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
        free = shutil.disk_usage(data_dir).free
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StartFailed(detail=f"The disk that holds the data folder {data_dir} is full.") from error
        reason = error.strerror or error
        raise StartFailed(detail=f"The data folder {data_dir} cannot be written: {reason}.") from error
    if free < FREE_MIN_BYTES:
        detail = f"The disk that holds the data folder {data_dir} has only {free / 1e6:.0f} MB left."
        raise StartFailed(detail=detail)


def require_folder_of(ready_file: Path) -> None:
    """See that a file can be written there, before anything is started. Raises `StartFailed`."""
    if not os.access(ready_file.absolute().parent, os.W_OK):
        raise StartFailed(detail=f"The ready file {ready_file} cannot be written: its folder is missing or read-only.")


def lock_folder(data_dir: Path) -> IO[str]:
    """Take the data folder for this process; the lock ends with it. Raises `StartFailed`."""
    file = (data_dir / LOCK_NAME).open("a+")
    deadline = time.monotonic() + LOCK_WAIT_S
    while not _try_lock(file):
        if time.monotonic() > deadline:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise StartFailed(detail=f"The data folder {data_dir} is in use by process {holder}; stop that one first.")
        time.sleep(0.1)
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def is_served(data_dir: Path) -> bool:
    """Tell whether a supervisor runs on this data folder."""
    path = data_dir / LOCK_NAME
    if not path.exists():
        return False
    with path.open("a+") as file:
        return not _try_lock(file)


def address_path(data_dir: Path) -> Path:
    """Return the file that holds the server's address while it runs."""
    return data_dir / "server.address"


def take_port(host: str, port: int) -> socket.socket:
    """Bind the server's socket, so that the port is ours before anything starts. Raises `StartFailed`."""
    try:
        address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(address[0], socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address[4])
    except (OSError, OverflowError) as error:
        raise StartFailed(detail=_why_no_port(host, port, error)) from error
    listener.set_inheritable(True)
    return listener


def address_of(listener: socket.socket) -> str:
    """Return what a person types into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def child_environment(settings: Settings, listener: socket.socket | None = None) -> dict[str, str]:
    """Return the environment of the processes: every path absolute, because they run in the checkout."""
    environment = os.environ | {"DATA_DIR": str(settings.data_dir), "PYTHONUNBUFFERED": "1"}
    if listener is not None:
        host, port = listener.getsockname()[:2]
        environment |= {"HOST": str(host), "PORT": str(port)}
    return environment


def broker_command(broker: EmbeddedBroker, environment: dict[str, str]) -> Command:
    """The embedded broker."""
    return Command("broker", broker.command, broker.folder, environment, stop_s=5.0)


def dispatcher_command(environment: dict[str, str]) -> Command:
    """The relay, the reconciler and the schedule."""
    return Command("dispatcher", [sys.executable, "-m", "webapp.dispatcher"], ROOT, environment, stop_s=5.0)


def indexer_command(environment: dict[str, str]) -> Command:
    """What keeps the footprint indexes up to date."""
    return Command("indexer", [sys.executable, "-m", "webapp.indexer"], ROOT, environment, stop_s=5.0)


def worker_arguments(
    name: str, concurrency: int, queues: Sequence[str] = (QUEUE_NAME, EXPORT_QUEUE), module: str = "webapp.worker"
) -> list[str]:
    """Command line of a Celery worker for these queues, with the tasks of a module."""
    celery = [sys.executable, "-m", "celery", "-A", f"{module}:app", "worker"]
    options = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
    return [*celery, *options, "--concurrency", str(concurrency), "-Q", ",".join(queues), "-n", name]


def worker_name() -> str:
    """Name of the worker that the supervisor starts."""
    return f"main@{socket.gethostname()}"


def worker_command(settings: Settings, environment: dict[str, str]) -> Command:
    """The Celery worker for extractions."""
    arguments = worker_arguments(worker_name(), settings.worker_concurrency, [QUEUE_NAME])
    return Command("worker", arguments, ROOT, environment, stop_s=WORKER_STOP_S)


def exporter_command(environment: dict[str, str]) -> Command:
    """The Celery worker for exports, which must not wait behind an extraction of hours."""
    arguments = worker_arguments(f"exports@{socket.gethostname()}", 1, [EXPORT_QUEUE], "webapp.exporter")
    return Command("exporter", arguments, ROOT, environment, stop_s=WORKER_STOP_S)


def server_command(listener: socket.socket, environment: dict[str, str]) -> Command:
    """The web server, on the socket that is bound already."""
    descriptor = listener.fileno()
    arguments = [sys.executable, "-m", "webapp.http_server", str(descriptor)]
    return Command("server", arguments, ROOT, environment, stop_s=8.0, descriptors=(descriptor,))


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _why_no_port(host: str, port: int, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program; choose one with --port."
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return f"Port {port} needs more rights than this user has; choose one above 1023 with --port."
    return f"The server cannot listen on {host}, port {port}: {error}."
