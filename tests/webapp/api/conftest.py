"""The API on a real server in this process, on both databases, and people who use it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
import uvicorn

from auth.principals import Principal
from tests.conftest import BACKENDS, NO_LIMITS, migrated_database
from tests.support.people import make_person
from webapp.api.identity import COOKIE
from webapp.api.main import create_app
from webapp.database import migrate
from webapp.http_server import proxy_options
from webapp.resources import Resources, open_resources
from webapp.services import sessions
from webapp.settings import load_settings

TIMEOUT_S = 200


@dataclass
class Api:
    """A running API and ways to speak to it."""

    url: str
    resources: Resources
    clients: list[httpx.Client] = field(default_factory=list)

    def anonymous(self, **headers: str) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=TIMEOUT_S, headers=headers)
        self.clients.append(client)
        return client

    def program(self, principal: Principal) -> httpx.Client:
        """A client with an access token."""
        token = sessions.issue_tokens(self.resources, principal).access_token
        return self.anonymous(Authorization=f"Bearer {token}")

    def browser(self, principal: Principal, with_token: bool = True) -> httpx.Client:
        """A client with a session cookie, and the token that the pages send along."""
        opened = sessions.open_browser_session(self.resources, principal)
        client = self.anonymous(Cookie=f"{COOKIE}={opened.cookie_value}")
        if with_token:
            client.headers["X-CSRF-Token"] = opened.csrf_token
        return client


@pytest.fixture
def serve() -> Iterator[Callable[[Resources], Api]]:
    """Serve an application made of resources on a port of its own."""
    with _servers() as start:
        yield start


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One server for the tests of a module that change nothing."""
    settings = load_settings(**NO_LIMITS, data_dir=tmp_path_factory.mktemp("shared") / "data", secret_key="k" * 40)
    migrate(settings.database_address)
    resources = open_resources(settings)
    with _servers() as start:
        yield start(resources)
    resources.close()


@pytest.fixture(scope="module", params=BACKENDS)
def api_on_both(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The same on each database."""
    folder = tmp_path_factory.mktemp("both")
    with migrated_database(str(request.param), request, folder) as url:
        resources = open_resources(load_settings(**NO_LIMITS, data_dir=folder / "data", database_url=url))
        with _servers() as start:
            yield start(resources)
        resources.close()


@pytest.fixture(scope="module")
def sam(shared_api: Api) -> Principal:
    """A user of the shared server."""
    return make_person(shared_api.resources, "sam")


@contextmanager
def _servers() -> Iterator[Callable[[Resources], Api]]:
    running: list[tuple[Api, uvicorn.Server, threading.Thread]] = []

    def start(resources: Resources) -> Api:
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            create_app(resources),
            log_level="error",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=2,
            **proxy_options(resources.settings),
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        api = Api(f"http://127.0.0.1:{listener.getsockname()[1]}", resources)
        running.append((api, server, thread))
        return api

    yield start
    for api, server, thread in running:
        for client in api.clients:
            client.close()
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def api(serve: Callable[[Resources], Api], resources: Resources) -> Api:
    return serve(resources)


@pytest.fixture
def sqlite_api(serve: Callable[[Resources], Api], resources: Resources, backend: str) -> Api:
    """For what has nothing to do with the database: one of them is enough."""
    assert backend == "sqlite"
    return serve(resources)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out tests that ask for `sqlite_api` on the other database."""
    items[:] = [item for item in items if not _asks_in_vain(item)]


def _asks_in_vain(item: pytest.Item) -> bool:
    asked = getattr(item, "fixturenames", ())
    other = getattr(getattr(item, "callspec", None), "params", {}).get("backend", "sqlite") != "sqlite"
    return other and "sqlite_api" in asked
