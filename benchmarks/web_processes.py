"""Several real web processes on one database and one broker, as behind a load balancer, with people who use them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from auth.principals import SYSTEM, Principal, Role
from models.user import User
from webapp.database import migrate
from webapp.embedded_broker import prepare_broker
from webapp.resources import Resources, open_resources
from webapp.services import sessions
from webapp.settings import Settings, load_settings
from webapp.warden import die_with_parent

ROOT = Path(__file__).resolve().parents[1]
START_S = 180
STOP_S = 20


@dataclass(frozen=True)
class Site:
    """What runs: the addresses of the web processes, and this process's own way to the database."""

    urls: list[str]
    resources: Resources
    pids: list[int]
    """Of the web processes, in the order of their addresses."""
    env: dict[str, str]
    folder: Path

    def person(self, name: str, role: Role = Role.USER, password_hash: str = "none") -> Principal:
        """Make an account without the time that a password takes."""
        user = User(username=name, password_hash=password_hash, role=str(role))
        with self.resources.database.write(SYSTEM) as session:
            session.add(user)
            session.flush()
            return Principal(user.id, name, role)

    @contextmanager
    def running(self, name: str, arguments: list[str]) -> Iterator[int]:
        """Run another Python process of the site, such as a worker; give its id."""
        with running_process([sys.executable, *arguments], ROOT, self.env, self.folder / f"{name}.log") as pid:
            yield pid

    @contextmanager
    def another_server(self) -> Iterator["Site"]:
        """Run a web process in the place of one that was killed."""
        log = self.folder / f"server-again-{time.monotonic_ns()}.log"
        with _running_server(self.env, log) as (url, pid):
            _wait_for(url, self.folder)
            yield replace(self, urls=[url], pids=[pid])

    def headers(self, person: Principal) -> dict[str, str]:
        """Sign somebody in as a program."""
        return {"Authorization": f"Bearer {sessions.issue_tokens(self.resources, person).access_token}"}


@contextmanager
def running_site(folder: Path, processes: int, **overrides: str) -> Iterator[Site]:
    """Run web processes, each with a socket of its own, and a broker; `overrides` are settings as environment."""
    with ExitStack() as stack:
        settings = {"DATA_DIR": str(folder / "data"), "REDIS_URL": stack.enter_context(_running_broker(folder))}
        env = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        env |= settings | overrides | {"PYTHONPATH": str(ROOT)}
        values = {name.lower(): value for name, value in (settings | overrides).items()}
        chosen = load_settings(_env_file=None, **values)
        migrate(chosen.database_address)
        resources = open_resources(chosen)
        stack.callback(resources.close)
        logs = [folder / f"server-{at}.log" for at in range(processes)]
        servers = [stack.enter_context(_running_server(env, log)) for log in logs]
        for url, _ in servers:
            _wait_for(url, folder)
        yield Site([url for url, _ in servers], resources, [pid for _, pid in servers], env, folder)


@contextmanager
def _running_broker(folder: Path) -> Iterator[str]:
    broker = prepare_broker(folder / "broker")
    with running_process(broker.command, broker.folder, dict(os.environ), folder / "broker.log"):
        deadline = time.monotonic() + START_S
        while not broker.answers():
            if time.monotonic() > deadline:
                raise RuntimeError("the broker does not start")
            time.sleep(0.05)
        yield broker.url


@contextmanager
def _running_server(env: dict[str, str], log: Path) -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        os.set_inheritable(listener.fileno(), True)
        command = [sys.executable, "-m", "webapp.http_server", str(listener.fileno())]
        with running_process(command, ROOT, env, log, listener.fileno()) as pid:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", pid


@contextmanager
def running_process(
    command: list[str], folder: Path, env: dict[str, str], log: Path, *descriptors: int
) -> Iterator[int]:
    """Run a command for as long as the block lasts; give its process id."""
    with log.open("wb") as output:
        options: dict[str, Any] = {"stdout": output, "stderr": output, "pass_fds": descriptors}
        process = subprocess.Popen(
            command, cwd=folder, env=env, start_new_session=True, preexec_fn=die_with_parent, **options
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            httpx.get(f"{url}/login", timeout=5)
            return
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                logs = "".join(path.read_text()[-2000:] for path in sorted(folder.glob("server-*.log")))
                raise RuntimeError(f"the web processes do not start:\n{logs}") from error
            time.sleep(0.3)
