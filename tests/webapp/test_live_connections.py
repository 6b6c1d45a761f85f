"""Connections that rested are trusted for a moment, asked after it, and replaced once they are broken."""

import pytest
from sqlalchemy import event, text

from auth.principals import SYSTEM
from webapp import live_connections

pytestmark = pytest.mark.parametrize("backend", ["postgis"], indirect=True)
ENDED_BY_OTHERS = "SELECT pg_terminate_backend(:pid, 20000)"
"""Waits until the process is gone: before, its connection still answers, and no check could find it ended."""


def _pid(resources):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(text("SELECT pg_backend_pid()"))


def _pings(resources, monkeypatch):
    found = []
    dialect = resources.database.engine.dialect
    ping = dialect.do_ping
    monkeypatch.setattr(dialect, "do_ping", lambda connection: found.append(connection) or ping(connection))
    return found


def test_the_server_is_asked_only_after_a_rest(resources, monkeypatch):
    pid, pings = _pid(resources), _pings(resources, monkeypatch)
    assert [_pid(resources) for _ in range(3)] == [pid] * 3
    assert pings == []
    monkeypatch.setattr(live_connections, "TRUSTED_S", 0.0)
    assert _pid(resources) == pid
    assert len(pings) == 1


def test_connections_that_the_server_ended_are_never_given_out(resources, monkeypatch):
    with resources.database.read(SYSTEM) as one, resources.database.read(SYSTEM) as other:
        pids = [session.scalar(text("SELECT pg_backend_pid()")) for session in (one, other)]
    pings = _pings(resources, monkeypatch)
    with resources.database.read(SYSTEM) as session:
        ended = next(pid for pid in pids if pid != session.scalar(text("SELECT pg_backend_pid()")))
        assert session.scalar(text(ENDED_BY_OTHERS), {"pid": ended})
    made = []
    event.listen(resources.database.engine, "connect", lambda *_: made.append(1))
    with resources.database.read(SYSTEM) as one, resources.database.read(SYSTEM) as other:
        found = [session.scalar(text("SELECT pg_backend_pid()")) for session in (one, other)]
    assert ended not in found
    assert made
    assert pings
