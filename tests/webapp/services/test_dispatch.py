import time

import pytest
from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.job import OutboxEntry
from tests.support.jobs import add_scene, submit
from webapp.services import dispatch, jobs, leases


@pytest.fixture
def connected(make_resources, broker):
    return make_resources(redis_url=broker.url, broker_timeout_s=1.0, republish_s=0.5, cancel_grace_s=0.5)


def unsent(resources):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count(OutboxEntry.id)).where(OutboxEntry.published_at.is_(None)))


def run_out(resources):
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET lease_until = lease_until - 1000"))


def test_each_message_is_sent_once_and_holds_the_id_alone(connected, alice, broker):
    scene_id = add_scene(connected, alice)
    ids = [submit(connected, alice, scene_id).id for _ in range(dispatch.BATCH + 5)]
    assert dispatch.publish_outbox(connected) == len(ids)
    assert dispatch.publish_outbox(connected) == unsent(connected) == 0
    assert connected.queue.waiting() == len(ids)
    with broker.client() as client:
        messages = client.lrange("extraction", 0, -1)
    assert all(b"pickle" not in message for message in messages)


def test_a_job_cancelled_meanwhile_is_not_sent(connected, alice):
    job = submit(connected, alice)
    jobs.cancel_job(connected, alice, job.id)
    assert dispatch.publish_outbox(connected) == 0
    assert (unsent(connected), connected.queue.waiting()) == (0, 0)


def test_a_broker_that_is_away_costs_seconds_and_nothing_is_lost(connected, alice, broker):
    for _ in range(3):
        submit(connected, alice)
    broker.kill()
    began_at = time.monotonic()
    assert dispatch.publish_outbox(connected) == 0
    assert time.monotonic() - began_at < 5
    assert unsent(connected) == 3
    broker.start()
    assert dispatch.publish_outbox(connected) == 3
    broker.freeze()
    try:
        submit(connected, alice)
        began_at = time.monotonic()
        assert dispatch.publish_outbox(connected) == 0
        assert dispatch.reconcile(connected).sent_again == 0
        assert time.monotonic() - began_at < 8
    finally:
        broker.thaw()
    assert dispatch.publish_outbox(connected) == 1


def test_what_the_broker_lost_is_sent_again_and_what_it_holds_is_not(connected, alice, broker):
    for _ in range(3):
        submit(connected, alice)
    dispatch.publish_outbox(connected)
    time.sleep(0.7)
    assert dispatch.reconcile(connected).sent_again == 0
    broker.lose_everything()
    assert dispatch.reconcile(connected).sent_again == 3
    assert dispatch.reconcile(connected).sent_again == 0
    assert dispatch.publish_outbox(connected) == 3
    broker.lose_everything()
    assert dispatch.reconcile(connected).sent_again == 0  # just sent: not yet thought lost


def test_a_silent_worker_loses_its_job_to_the_queue_then_to_the_grave(resources, alice):
    job = submit(resources, alice)
    for attempt in (1, 2, 3):
        assert leases.claim(resources, job.id, "w").attempt == attempt
        assert dispatch.reconcile(resources) == dispatch.Reconciled(0, 0, 0, 0)
        run_out(resources)
        last = attempt == resources.settings.max_attempts
        assert dispatch.reconcile(resources) == dispatch.Reconciled(int(not last), int(last), 0, 0)
    dead = jobs.get_job(resources, alice, job.id)
    assert (dead.state, dead.error_code) == ("dead", "WorkerLost")


def test_a_wish_to_cancel_outlives_the_worker(resources, alice):
    claim = leases.claim(resources, submit(resources, alice).id, "w")
    jobs.cancel_job(resources, alice, claim.job_id)
    assert dispatch.reconcile(resources).cancelled == 0
    run_out(resources)
    assert dispatch.reconcile(resources).cancelled == 1
    assert jobs.get_job(resources, alice, claim.job_id).state == "cancelled"


def test_a_worker_that_ignores_a_cancel_is_overruled(connected, alice):
    claim = leases.claim(connected, submit(connected, alice).id, "w")
    jobs.cancel_job(connected, alice, claim.job_id)
    assert dispatch.reconcile(connected).cancelled == 0
    time.sleep(0.6)
    assert not leases.heartbeat(connected, claim).lost
    assert dispatch.reconcile(connected).cancelled == 1
    assert leases.heartbeat(connected, claim).lost
