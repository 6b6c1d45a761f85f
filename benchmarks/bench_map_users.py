"""`./run bench map_users`: people who pan and zoom at the same time, against the product's own web server.

A view is 24 tiles and the figures, asked for over HTTP; nothing is cached, as if everybody saw everything for the first
time. The index holds made-up towns; the people share an account, each with a token of their own.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.children import run_child
from benchmarks.report import OURS, Row, publish, row_of
from webapp.database import migrate
from webapp.resources import open_resources
from webapp.services.footprint_index import index_folder
from webapp.services.sessions import issue_tokens
from webapp.services.users import NewUser, authenticate, create_user
from webapp.settings import Settings, load_settings

ROWS, USERS, SECONDS, PAUSE_S = 1_000_000, 16, 60, 1.0
START_S = 120
WARM_S = 3
TOKENS = "tokens.txt"
_PASSWORD = "correct horse battery"


def main(arguments: Sequence[str] = ()) -> int:
    """Build an index, serve it, let people look at it."""
    options = read_options(arguments)
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as listening:
        settings = load_settings(data_dir=Path(folder), port=listening.getsockname()[1])
        index = prepared(settings, options)
        before_s = load_average()
        with served(settings, listening) as server:
            host = f"127.0.0.1:{settings.port}"
            told = (host, index, Path(folder) / TOKENS)
            run_child(sys.executable, "benchmarks.map_clients", *map(str, told), str(WARM_S), "0")
            taken_before_s = taken(server.pid)[1]
            found = run_child(
                sys.executable, "benchmarks.map_clients", *map(str, told), str(options.seconds), str(options.pause)
            )
            resident_mb, processor_s = taken(server.pid)
            rows = user_rows(options, found, resident_mb, processor_s - taken_before_s)
    print(f"load of the machine before and after: {before_s:.1f}, {load_average():.1f}")
    for error in found["errors"][:5]:
        print(f"  {error}")
    publish("map_users", rows, options.json)
    return 1 if found["errors"] else 0


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return rows, users, seconds, pause and json."""
    parser = argparse.ArgumentParser(prog="run bench map_users")
    parser.add_argument("--quick", action="store_true", help="fewer footprints, ten seconds")
    parser.add_argument("--rows", type=int, help=f"made-up footprints ({ROWS:,})")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds that people look at a view, on average")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.rows = options.rows or (50_000 if options.quick else ROWS)
    options.seconds = options.seconds or (10 if options.quick else SECONDS)
    return options


def prepared(settings: Settings, options: argparse.Namespace) -> Path:
    """Make an installation with an account and its index, and return the folder of the index."""
    migrate(settings.database_address)
    resources = open_resources(settings)
    try:
        create_user(resources, NewUser(username="people", password=_PASSWORD))
        person = authenticate(resources, "people", _PASSWORD)
        tokens = [issue_tokens(resources, person).access_token for _ in range(options.users)]
        (settings.data_dir / TOKENS).write_text("\n".join(tokens))
        folder = index_folder(resources, person.owner_filter)
    finally:
        resources.close()
    folder.mkdir(parents=True)
    run_child(sys.executable, "benchmarks.map_ours", "build", "towns", str(options.rows), str(folder))
    return folder


@contextmanager
def served(settings: Settings, listening: socket.socket) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the web server on a socket, as the supervisor does."""
    chosen = {name.upper(): str(getattr(settings, name)) for name in settings.model_fields_set}
    command = [sys.executable, "-m", "webapp.http_server", str(listening.fileno())]
    with (settings.data_dir / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=os.environ | chosen, pass_fds=[listening.fileno()], stdout=log, stderr=log
        )
        try:
            wait_for(f"http://127.0.0.1:{settings.port}/login", server)
            yield server
        finally:
            server.terminate()
            server.wait()


def wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=START_S):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the server did not start")


def user_rows(options: argparse.Namespace, found: dict[str, Any], resident_mb: float, processor_s: float) -> list[Row]:
    """Return what people saw, and what it took."""
    case, views_s = f"{options.users} people, towns {options.rows:,}", found["views_s"]
    values = (
        ("views", "1/s", [len(views_s) / found["wall_s"]]),
        ("a view", "ms", [1e3 * value for value in views_s]),
        ("errors", "", [len(found["errors"])]),
        ("sent", "kB a view", [found["size_bytes"] / 1e3 / len(views_s)]),
        ("server processor time", "ms a view", [1e3 * processor_s / len(views_s)]),
        ("clients processor time", "ms a view", [1e3 * found["own_processor_s"] / len(views_s)]),
        ("server memory", "MB", [resident_mb]),
    )
    return [row_of(OURS, case, metric, unit, numbers) for metric, unit, numbers in values]


def taken(process: int) -> tuple[float, float]:
    """Return memory in use in MB and processor seconds of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def load_average() -> float:
    """Return how many processes wanted to run in the last minute."""
    return os.getloadavg()[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
