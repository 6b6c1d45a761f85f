import subprocess
import sys

import pytest
from kombu import Connection
from sqlalchemy import select

from auth.principals import SYSTEM
from models.job import WorkerBeat
from tests.support.jobs import submit
from tests.support.processes import ROOT, environment
from webapp.queue import QUEUE_NAME
from webapp.services.dispatch import publish_outbox
from webapp.tasks.acknowledging import forgive_lost_acknowledgements
from webapp.tasks.watch import DEAF_EXIT_CODE

WATCHER = """
import sys, time
from webapp.settings import load_settings
from webapp.tasks import watch
watch.DEAF_S = 1.0
watcher = watch.WorkerWatch(load_settings(), "w@host", lambda: sys.argv[1] == "busy")
watcher.start()
time.sleep(4)
if sys.argv[2] == "stop":
    watcher.stop()
"""
FORKS = """
import os, sqlite3, sys
from sqlalchemy import make_url
from webapp.settings import load_settings
from webapp.tasks import watch
settings = load_settings()
watcher = watch.WorkerWatch(settings, "w@host", lambda: True)
watcher.start()
path = make_url(settings.database_address).database
barred = 0
for _ in range(25):
    child = os.fork()
    if child == 0:
        connection = sqlite3.connect(path, timeout=3, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            os._exit(0)
        except sqlite3.OperationalError:
            os._exit(1)
    barred += os.waitpid(child, 0)[1] != 0
watcher.stop()
sys.exit(min(barred, 1))
"""
pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def connected(make_resources, broker):
    return make_resources(redis_url=broker.url, lease_s=2.0, heartbeat_s=0.4, broker_timeout_s=1.0)


def names_of_workers(resources):
    with resources.database.read(SYSTEM) as session:
        return list(session.scalars(select(WorkerBeat.name)))


def watch(resources, *arguments):
    command = [sys.executable, "-c", WATCHER, *arguments]
    env = environment(resources.settings)
    return subprocess.run(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL, check=False).returncode


def test_a_worker_that_gets_no_messages_although_some_wait_ends_itself(connected, alice):
    submit(connected, alice)
    publish_outbox(connected)
    assert watch(connected, "idle", "stop") == DEAF_EXIT_CODE
    assert watch(connected, "busy", "keep") == 0
    assert names_of_workers(connected) == ["w@host"]
    connected.queue._redis.delete(QUEUE_NAME)
    assert watch(connected, "idle", "stop") == 0
    assert names_of_workers(connected) == []


def test_a_child_forked_during_a_look_can_write_all_the_same(make_resources, broker):
    """Unguarded, some of the children inherit SQLite's note of the write lock or a held mutex, and wait for ever."""
    resources = make_resources(redis_url=broker.url, lease_s=2.0, heartbeat_s=0.001)
    command, env = [sys.executable, "-W", "ignore", "-c", FORKS], environment(resources.settings)
    assert subprocess.run(command, cwd=ROOT, env=env, check=False, timeout=90).returncode == 0


@pytest.mark.parametrize("forgiving", [False, True])
def test_an_acknowledgement_that_fails_does_not_stop_the_next_message(connected, broker, forgiving, monkeypatch):
    """Without our count of held messages a worker with a prefetch of one is deaf after this: that is shown, too."""
    from kombu.transport import redis

    monkeypatch.setattr(redis.Channel, "QoS", redis.QoS)
    if forgiving:
        forgive_lost_acknowledgements()
    options = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5, "retry_on_timeout": False}
    with Connection(broker.url, transport_options=options) as connection, connection.channel() as channel:
        channel.basic_qos(0, 1, False)
        queue = connection.SimpleQueue("held", queue_opts={"channel": channel})
        queue.put("one")
        message = queue.get(timeout=5)
        held = message.channel.qos
        held.prefetch_count = 1
        assert not held.can_consume()
        broker.freeze()
        try:
            message.ack_log_error(_Silent(), connection.connection_errors)
        finally:
            broker.thaw()
        assert held.can_consume() == forgiving
        queue.close()


class _Silent:
    def critical(self, *_, **__):
        pass
