"""The servers of `bench api`, one process each, and the processor time that they and the database take."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.api_data import KEY_FILE, SECRET
from benchmarks.children import ROOT
from benchmarks.web_processes import START_S, running_process
from tests.support.postgres import PostgresServer
from webapp.settings import Settings

TICKS = os.sysconf("SC_CLK_TCK")
TIPG_PYTHON = os.environ.get("BENCH_TIPG_PYTHON", sys.executable)
"""The interpreter that has tipg and uvicorn."""


@dataclass(frozen=True)
class Server:
    """A running server: its address, its process, what to send along, and the database's server if it has one."""

    url: str
    pid: int
    headers: dict[str, str]
    postgres: PostgresServer | None

    def processor_s(self) -> tuple[float, float]:
        """Return the seconds of processor time so far: of this server, and of the database's processes."""
        return _processor_s(self.pid), 0.0 if self.postgres is None else _postgres_s(self.postgres)


@contextmanager
def ours(folder: Path, database_url: str, postgres: PostgresServer | None) -> Iterator[Server]:
    """Run one web process of ours as `./run serve` does."""
    settings = {
        "DATA_DIR": str(folder / "data"),
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET,
        "TIER_OF_USER": "enterprise",
    }
    headers = {"X-API-Key": (folder / KEY_FILE).read_text()}
    with _served([sys.executable, "-m", "webapp.http_server"], settings, folder / "ours.log", "/ogc") as (url, pid):
        yield Server(url, pid, headers, postgres)


@contextmanager
def plain(folder: Path, database_url: str, postgres: PostgresServer | None) -> Iterator[Server]:
    """Run the plain implementation."""
    command = [sys.executable, "-m", "uvicorn", "benchmarks.api_plain:app", "--no-access-log", "--fd"]
    settings = {"PLAIN_DATABASE": database_url}
    with _served(command, settings, folder / "plain.log", "/buildings?limit=1") as (url, pid):
        yield Server(url, pid, {}, postgres)


@contextmanager
def tipg(folder: Path, database_url: str, postgres: PostgresServer) -> Iterator[Server]:
    """Run tipg on the plain implementation's table."""
    command = [TIPG_PYTHON, "-m", "uvicorn", "tipg.main:app", "--no-access-log", "--fd"]
    settings = {
        "DATABASE_URL": database_url,
        "TIPG_DB_TABLES": '["public.buildings"]',
        "TIPG_CATALOG_TTL": "0",
    }
    with _served(command, settings, folder / "tipg.log", "/healthz") as (url, pid):
        yield Server(url, pid, {}, postgres)


@contextmanager
def _served(command: list[str], settings: dict[str, str], log: Path, probe: str) -> Iterator[tuple[str, int]]:
    env = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    env |= settings | {"PYTHONPATH": str(ROOT)}
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        os.set_inheritable(listener.fileno(), True)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with running_process([*command, str(listener.fileno())], ROOT, env, log, listener.fileno()) as pid:
            _wait_for(url + probe, log)
            yield url, pid


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"it does not start:\n{log.read_text()[-2000:]}") from error
            time.sleep(0.3)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _postgres_s(server: PostgresServer) -> float:
    """Sum up the server's processes: those that live, and those that have ended."""
    assert server.process is not None
    parent = server.process.pid
    fields = Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()
    ended_s = (int(fields[13]) + int(fields[14])) / TICKS
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return ended_s + _processor_s(parent) + sum(map(_processor_s, map(int, children)))
