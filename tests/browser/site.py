"""The whole product on a port of its own, all its parts as real processes."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from auth.principals import Principal, Role
from tests.conftest import NO_LIMITS
from tests.support.broker import running_broker
from tests.support.processes import DISPATCHER, INDEXER, environment, running
from webapp.database import migrate
from webapp.resources import Resources, open_resources
from webapp.services.users import NewUser, authenticate, create_user
from webapp.settings import load_settings

PASSWORD = "correct horse battery"
START_S = 60
WORKER = ("-m", "celery", "-A", "tests.browser.town_worker:app", "worker", "-c", "1", "-Q", "extraction,exports")


@dataclass
class Site:
    """A running site. `resources` reach the same database for what a test has to prepare or to look up."""

    port: int
    folder: Path
    env: dict[str, str]
    resources: Resources
    stack: ExitStack
    server: ExitStack

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def person(self, username: str, role: Role = Role.USER) -> Principal:
        """Make an account that can sign in with `PASSWORD`."""
        create_user(self.resources, NewUser(username=username, password=PASSWORD, role=role))
        return authenticate(self.resources, username, PASSWORD)

    def start_server(self) -> None:
        arguments = ("-m", "uvicorn", "panel_serve:app", "--port", str(self.port), "--log-level", "warning")
        self.server.enter_context(running(arguments, self.env, self.folder / "server.log"))
        _wait_for(f"{self.url}/health", self.folder / "server.log")

    def stop_server(self) -> None:
        """End the server as a power cut does."""
        self.server.close()


@contextmanager
def running_site(folder: Path, smtp_url: str = "", window_s: float = 0.02) -> Iterator[Site]:
    """Start everything; `window_s` is how long the worker takes for one window. Mails go to `smtp_url`."""
    with ExitStack() as stack:
        broker = stack.enter_context(running_broker(folder / "broker"))
        port = _free_port()
        settings = load_settings(
            data_dir=folder / "data", redis_url=broker.url, port=port, registration_open=True, **NO_LIMITS
        )
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        migrate(settings.database_address)
        env = environment(settings, TOWN_WINDOW_S=str(window_s), SMTP_URL=smtp_url)
        resources = open_resources(settings)
        stack.callback(resources.close)
        stack.enter_context(running(DISPATCHER, env, folder / "dispatcher.log"))
        stack.enter_context(running(INDEXER, env, folder / "indexer.log"))
        stack.enter_context(running(WORKER, env, folder / "worker.log"))
        server = stack.enter_context(ExitStack())
        site = Site(port, folder, env, resources, stack, server)
        site.start_server()
        yield site


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return  # it answers; whether all its parts are well is not asked here
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not start:\n{log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
