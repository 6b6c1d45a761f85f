"""Fixtures that every test may use: both databases, a broker, open resources, people."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from auth.principals import Principal, Role
from tests.support import postgres
from tests.support.broker import Broker, running_broker
from tests.support.emptied_databases import EmptiedDatabases
from tests.support.people import make_person
from webapp.database import migrate
from webapp.resources import Resources, open_resources
from webapp.settings import Settings, load_settings

BACKENDS = ("sqlite", "postgis")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`."""
    parser.addoption("--long", action="store_true", help="run also what is marked as long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked as long: `long` always, `long(on="sqlite")` with that parameter alone."""
    if config.getoption("--long"):
        return
    left_out = [item for item in items if _is_long(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def _is_long(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("long")
    if mark is None or "on" not in mark.kwargs:
        return mark is not None
    return mark.kwargs["on"] in item.callspec.params.values()


@pytest.fixture(autouse=True, scope="session")
def _no_outside_settings() -> Iterator[None]:
    """Keep the machine's own settings out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        patch.setitem(Settings.model_config, "env_file", None)
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """A PostgreSQL server with PostGIS for the whole run; where there is none, tests that need it skip."""
    reason = postgres.why_unavailable()
    if reason:
        pytest.skip(reason)
    with postgres.running_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgis_template(postgres_server: postgres.PostgresServer) -> str:
    """Name of a database with PostGIS in it, to copy from."""
    return postgres_server.make_template()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database: every test that asks for it, also through `database_url`, runs on both."""
    return str(request.param)


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: postgres.PostgresServer = request.getfixturevalue("postgres_server")
    with server.fresh_database(request.getfixturevalue("postgis_template")) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file, to copy from."""
    path = tmp_path_factory.mktemp("template") / "app.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgis(postgres_server: postgres.PostgresServer, postgis_template: str) -> Iterator[EmptiedDatabases]:
    """Migrated databases, each lent to one test at a time."""
    with postgres_server.fresh_database(postgis_template) as url:
        migrate(load_settings(database_url=url).database_address)
        databases = EmptiedDatabases(postgres_server, url.rsplit("/", 1)[-1])
        yield databases
        databases.close()


@pytest.fixture
def migrated_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database with all tables, and nothing in them."""
    with migrated_database(backend, request, tmp_path) as url:
        yield url


@contextmanager
def migrated_database(backend: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """Give the address of a migrated database for as long as the block lasts; for fixtures of any scope."""
    if backend == "sqlite":
        path = folder / "app.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    databases: EmptiedDatabases = request.getfixturevalue("migrated_postgis")
    with databases.lent() as url:
        yield url


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of its own that the test may kill, freeze and empty."""
    with running_broker(tmp_path / "broker") as running:
        yield running


NO_LIMITS = {
    "free_calls_per_hour": 0,
    "free_jobs_per_hour": 0,
    "free_upload_bytes": 10**10,
    "public_calls_per_minute": 0,
}
"""Tests of other things make more calls and jobs than a person of the smallest tier."""


@pytest.fixture
def make_resources(migrated_url: str, tmp_path: Path) -> Iterator[Callable[..., Resources]]:
    """Open resources on a migrated database; keyword arguments are settings."""
    opened: list[Resources] = []

    def make(**overrides: object) -> Resources:
        known = {"data_dir": tmp_path / "data", "database_url": migrated_url}
        settings = load_settings(**(NO_LIMITS | known | overrides))
        opened.append(open_resources(settings))
        return opened[-1]

    yield make
    for resources in opened:
        resources.close()


@pytest.fixture
def resources(make_resources: Callable[..., Resources]) -> Resources:
    """Open resources with default settings and no broker."""
    return make_resources()


@pytest.fixture
def alice(resources: Resources) -> Principal:
    """A user."""
    return make_person(resources, "alice")


@pytest.fixture
def bob(resources: Resources) -> Principal:
    """Another user."""
    return make_person(resources, "bob")


@pytest.fixture
def administrator(resources: Resources) -> Principal:
    """An administrator."""
    return make_person(resources, "root", Role.ADMIN)
