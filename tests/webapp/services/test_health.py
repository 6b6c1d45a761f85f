import os

import pytest
from sqlalchemy import text

from auth.principals import SYSTEM
from webapp.queue import EXPORT_QUEUE, QUEUE_NAME
from webapp.services.health import check_health, count_workers, forget_worker, note_worker


def test_everything_works(make_resources, broker):
    resources = make_resources(redis_url=broker.url)
    note_worker(resources, "w@host", os.getpid())
    health = check_health(resources)
    assert health.ok, health
    assert list(health.checks) == ["database", "broker", "worker", "exporter", "disk"]


def test_each_part_is_told_apart(make_resources, broker):
    resources = make_resources(redis_url=broker.url, broker_timeout_s=0.5, free_disk_bytes=10**18)
    broker.kill()
    health = check_health(resources)
    assert not health.ok
    assert {name: check.ok for name, check in health.checks.items()} == {
        "database": True,
        "broker": False,
        "worker": False,
        "exporter": False,
        "disk": False,
    }


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_database_that_is_away_is_told(make_resources, tmp_path):
    resources = make_resources(database_url=f"sqlite:///{tmp_path / 'no' / 'such.db'}")
    health = check_health(resources)
    assert not health.checks["database"].ok
    assert "database" in health.checks["database"].detail


def test_each_queue_needs_a_worker_of_its_own(make_resources, broker):
    resources = make_resources(redis_url=broker.url)
    note_worker(resources, "main@host", 1, [QUEUE_NAME])
    health = check_health(resources)
    assert (health.ok, health.checks["worker"].ok, health.checks["exporter"].ok) == (False, True, False)
    assert health.checks["exporter"].detail == "No worker for exports was seen lately; exports wait."
    note_worker(resources, "exports@host", 2, [EXPORT_QUEUE])
    assert check_health(resources).ok
    assert (count_workers(resources), count_workers(resources, EXPORT_QUEUE)) == (1, 1)
    note_worker(resources, "main@host", 3, [EXPORT_QUEUE])  # started again for another queue
    assert (count_workers(resources), count_workers(resources, EXPORT_QUEUE)) == (0, 2)


def test_a_worker_counts_while_it_is_seen(resources):
    for _ in range(2):
        note_worker(resources, "w@host", 1)
    note_worker(resources, "v@host", 2)
    assert count_workers(resources) == 2
    forget_worker(resources, "v@host")
    assert count_workers(resources) == 1
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE worker_beats SET seen_at = seen_at - 100"))
    assert count_workers(resources) == 0
