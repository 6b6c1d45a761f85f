import sqlite3
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import select, text

from auth.principals import SYSTEM
from models.base import now_s
from models.user import User
from tests.support.processes import ROOT
from webapp.database import migrate, open_database
from webapp.errors import DatabaseBusy


def test_a_transaction_that_fails_leaves_nothing(resources):
    def fail():
        with resources.database.write(SYSTEM) as session:
            session.add(User(username="ada", password_hash="x", role="user"))
            session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with resources.database.read(SYSTEM) as session:
        assert session.scalars(select(User)).all() == []


def test_the_databases_clock_is_that_of_the_world(resources):
    with resources.database.read(SYSTEM) as session:
        assert abs(session.scalars(select(now_s())).one() - time.time()) < 5


def test_writers_wait_for_each_other(resources):
    """Read, then write: without the lock from the start SQLite would refuse one of them."""
    with resources.database.write(SYSTEM) as session:
        session.add(User(id=1, username="0", password_hash="x", role="user"))

    def count_up():
        for _ in range(20):
            with resources.database.write(SYSTEM) as session:
                user = session.scalars(select(User).where(User.id == 1).with_for_update()).one()
                user.username = str(int(user.username) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with resources.database.read(SYSTEM) as session:
        assert session.scalars(select(User.username)).one() == "80"


def test_processes_that_migrate_at_once_do_not_meet(database_url):
    code = (
        "import sys; from webapp.settings import load_settings; from webapp.database import migrate;"
        "migrate(load_settings(database_url=sys.argv[1]).database_address)"
    )
    arguments = [sys.executable, "-c", code, database_url]
    processes = [subprocess.Popen(arguments, cwd=ROOT) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]


@pytest.mark.parametrize("backend", ["postgis"], indirect=True)
def test_a_database_that_restarts_is_back_at_once(resources, postgres_server):
    with resources.database.read(SYSTEM) as session:
        session.execute(text("SELECT 1"))
    postgres_server.restart_at_once()
    with resources.database.read(SYSTEM) as session:
        assert session.execute(text("SELECT 1")).scalar() == 1


def test_a_database_that_is_away_is_coded():
    database = open_database("postgresql+psycopg://postgres@127.0.0.1:1/none")
    with pytest.raises(DatabaseBusy), database.read(SYSTEM) as session:
        session.execute(text("SELECT 1"))
    database.close()


def test_a_lock_that_is_held_is_coded(tmp_path, monkeypatch):
    monkeypatch.setattr("webapp.database.SQLITE_BUSY_S", 0.2)
    address = f"sqlite:///{tmp_path / 'app.db'}"
    migrate(address)
    holder = sqlite3.connect(tmp_path / "app.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    database = open_database(address)
    with pytest.raises(DatabaseBusy), database.write(SYSTEM) as session:
        session.execute(text("DELETE FROM users"))
    holder.close()
    database.close()


def test_a_mistake_of_ours_is_no_outage(resources):
    with pytest.raises(Exception, match="no_such_table"), resources.database.read(SYSTEM) as session:
        session.execute(text("SELECT * FROM no_such_table"))
