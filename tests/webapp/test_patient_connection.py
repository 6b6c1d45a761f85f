"""A slow statement is waited for; a server that hangs is told within seconds, and is used again once it goes on."""

import time

import pytest
from sqlalchemy import text

from auth.principals import SYSTEM
from webapp import patient_connection
from webapp.errors import DatabaseBusy
from webapp.services.health import check_health

pytestmark = pytest.mark.parametrize("backend", ["postgis"], indirect=True)
SOON_S = 0.3
SLACK_S = 2.0


@pytest.fixture
def asked(monkeypatch):
    """How often the server was asked whether it lives."""
    monkeypatch.setattr(patient_connection, "ASK_AFTER_S", SOON_S)
    found = []
    connect = patient_connection.connect_beside
    monkeypatch.setattr(patient_connection, "connect_beside", lambda engine: found.append(1) or connect(engine))
    return found


@pytest.fixture
def frozen(postgres_server):
    """Freeze the server when called; it goes on at the end in any case."""
    yield postgres_server.freeze
    postgres_server.thaw()


def _answer(resources):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(text("SELECT 42"))


def _write_until(frozen, resources):
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE users SET role = role"))
        frozen()


def test_a_slow_statement_is_let_finish(resources, asked):
    with resources.database.read(SYSTEM) as session:
        assert session.scalar(text("SELECT 42 FROM pg_sleep(1)")) == 42
    assert asked
    assert len(asked) <= 2, "those who ask within a second get the same answer"


def test_a_frozen_server_is_told_and_used_again(resources, asked, frozen, postgres_server):
    _answer(resources)  # so that a connection is there
    frozen()
    began = time.monotonic()
    with pytest.raises(DatabaseBusy):
        _answer(resources)
    assert time.monotonic() - began < SOON_S + patient_connection.CONNECT_S + SLACK_S
    postgres_server.thaw()
    assert _answer(resources) == 42


def test_a_server_that_freezes_before_the_commit_is_told(resources, asked, frozen, postgres_server):
    with pytest.raises(DatabaseBusy):
        _write_until(frozen, resources)
    postgres_server.thaw()
    assert _answer(resources) == 42


def test_health_answers_while_the_server_is_frozen(make_resources, broker, asked, frozen):
    resources = make_resources(redis_url=broker.url)
    assert check_health(resources).checks["database"].ok
    frozen()
    began = time.monotonic()
    checks = check_health(resources).checks
    assert time.monotonic() - began < SOON_S + patient_connection.CONNECT_S + SLACK_S
    assert {name for name, check in checks.items() if not check.ok} == {"database", "worker", "exporter"}
    assert "Not known" in checks["worker"].detail
