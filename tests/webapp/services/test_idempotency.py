"""Keys in the tables: held by lease, fenced by the try's token, and one answer where two make the same at once."""

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import update

from auth.principals import SYSTEM
from models.base import now_s
from models.idempotency import IdempotencyKey
from models.job import ProcessingJob
from models.job_moves import add_job
from processing.params import ExtractionParams
from tests.support.jobs import add_scene
from webapp.errors import NotFound
from webapp.idempotency_errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from webapp.services import idempotency, jobs, quotas
from webapp.services.idempotency import AlreadyAnswered, Answer, KeyedRequest, KeyName, Once, meaning_of


def once_of(person, meaning="a", token=""):
    name = KeyName(person.user_id, "POST /made", "key")
    request = KeyedRequest(name, token or uuid.uuid4().hex, meaning)
    return Once(request, lambda made: Answer(202, json.dumps({"made": made}), f"/made/{made}"))


def test_whoever_holds_a_key_keeps_others_out_until_the_lease_ends(make_resources, alice, bob):
    resources = make_resources(lease_s=30.0)
    first, second = once_of(alice).request, once_of(alice).request
    assert idempotency.hold(resources, first.name, first.token)
    assert idempotency.hold(resources, once_of(bob).request.name, "t")
    with pytest.raises(IdempotencyKeyInFlight) as refusal:
        idempotency.hold(resources, second.name, second.token)
    assert 1 <= refusal.value.parameters["retry_after_s"] <= 30
    with pytest.raises(IdempotencyKeyInFlight):
        idempotency.look(resources, second)
    idempotency.look(resources, first)
    idempotency.release(resources, second.name, second.token)  # not theirs
    with resources.database.write(SYSTEM) as session:
        mine = IdempotencyKey.user_id == alice.user_id
        session.execute(update(IdempotencyKey).where(mine).values(held_until=now_s() - 1))
    idempotency.renew(resources, first.name, first.token)  # slow, but nobody came between
    with pytest.raises(IdempotencyKeyInFlight):
        idempotency.hold(resources, second.name, second.token)
    with resources.database.write(SYSTEM) as session:
        session.execute(update(IdempotencyKey).where(mine).values(held_until=now_s() - 1))
    assert idempotency.hold(resources, second.name, second.token)
    with pytest.raises(IdempotencyKeyInFlight), resources.database.write(SYSTEM) as session:
        idempotency.keep(session, resources, Once(first, once_of(alice).answer), 1)  # it came back too late
    with resources.database.write(SYSTEM) as session:
        idempotency.keep(session, resources, Once(second, once_of(alice).answer), 2)
    idempotency.release(resources, second.name, second.token)
    with pytest.raises(AlreadyAnswered) as said:
        idempotency.look(resources, first)
    assert said.value.answer == Answer(202, '{"made": 2}', "/made/2")
    assert not idempotency.hold(resources, first.name, first.token)
    with pytest.raises(IdempotencyKeyReused):
        idempotency.look(resources, once_of(alice, "b").request)


def test_of_two_that_make_the_same_at_once_one_is_rolled_back(resources, alice):
    scene_id, written = add_scene(resources, alice), Event()

    def make(is_first):
        once = once_of(alice)
        job_id = str(uuid.uuid4())
        try:
            with resources.database.write(SYSTEM) as session:
                add_job(session, ProcessingJob(
                    id=job_id, owner_id=alice.user_id, scene_id=scene_id, params={}, max_attempts=3
                ))
                if not is_first and not resources.database.is_sqlite:  # which lets one in at a time
                    assert written.wait(10)
                idempotency.keep(session, resources, once, job_id)
                written.set()
                time.sleep(0.3)
        except AlreadyAnswered as error:
            return error.answer
        return once.answer(job_id)

    with ThreadPoolExecutor(2) as crowd:
        answers = list(crowd.map(make, (True, False)))
    assert answers[0] == answers[1]
    assert [job.id for job in jobs.list_jobs(resources, alice)] == [json.loads(answers[0].body)["made"]]


def test_a_request_that_fails_leaves_neither_job_nor_key_nor_use(resources, alice):
    once = Once(once_of(alice).request, lambda view: Answer(202, view.id, ""))
    with pytest.raises(NotFound):
        jobs.submit_extraction(resources, alice, "nothing", ExtractionParams(), None, once)
    assert quotas.quota_views(resources, alice)[0].used == 0
    made = jobs.submit_extraction(resources, alice, add_scene(resources, alice), ExtractionParams(), None, once)
    with pytest.raises(AlreadyAnswered) as said:
        jobs.submit_extraction(resources, alice, "nothing", ExtractionParams(), None, once)
    assert said.value.answer.body == made.id
    assert quotas.quota_views(resources, alice)[0].used == 1


def test_the_meaning_of_a_request_is_the_same_in_every_order_and_another_on_another_path():
    asked = {"a": 1, "b": {"c": [1.0, 2], "d": None}}
    same = {"b": {"d": None, "c": [1.0, 2]}, "a": 1}
    assert meaning_of("/x", asked) == meaning_of("/x", same)
    assert len({meaning_of("/x", asked), meaning_of("/y", asked), meaning_of("/x", asked | {"a": 2})}) == 3
