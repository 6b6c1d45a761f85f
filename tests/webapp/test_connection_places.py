"""Where all connections are in use: a short wait, a coded refusal, and all is well when they come back."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import text

from auth.principals import SYSTEM
from tests.support.own_loop import run_alone
from tests.support.people import make_person
from webapp.api.main import create_app
from webapp.connection_places import WAIT_S, ConnectionPlaces
from webapp.database import POOL_SIZE, SQLITE_OVERFLOW, SQLITE_POOL_SIZE
from webapp.errors import DatabaseBusy
from webapp.services import sessions

MOST_S = 2.0
CLIENTS = 80


class Held:
    """Every connection of a process, really held: each has a transaction open."""

    def __init__(self, resources):
        self._resources = resources
        self._released = threading.Event()
        number = SQLITE_POOL_SIZE + SQLITE_OVERFLOW if resources.database.is_sqlite else POOL_SIZE
        self._all_held = threading.Barrier(number + 1)
        self._threads = [threading.Thread(target=self._hold) for _ in range(number)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self._all_held.wait(20)
        return self

    def __exit__(self, *_):
        self._released.set()
        for thread in self._threads:
            thread.join(20)

    def _hold(self):
        with self._resources.database.read(SYSTEM) as session:
            session.execute(text("SELECT 1"))
            self._all_held.wait(20)
            self._released.wait(30)


async def asked(app, clients, path, **headers):
    """Ask at once; return (status, code, Retry-After, seconds) of each answer."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as client:

        async def one():
            began = time.perf_counter()
            answer = await client.get(path)
            code = answer.json().get("code") if answer.status_code >= 400 else ""
            return answer.status_code, code, answer.headers.get("Retry-After"), time.perf_counter() - began

        return await asyncio.gather(*(one() for _ in range(clients)))


async def crowded(app, bearer):
    """Ask for jobs by many at once, and whether the process lives while they wait."""
    crowd = asyncio.create_task(asked(app, CLIENTS, "/api/v1/jobs", **bearer))
    await asyncio.sleep(0.2)
    (alive,) = await asked(app, 1, "/health/live")
    return [*await crowd, alive]


def test_requests_are_refused_in_time_while_all_connections_are_held(resources):
    app = create_app(resources)
    person = make_person(resources, "ada")
    bearer = {"Authorization": f"Bearer {sessions.issue_tokens(resources, person).access_token}"}
    with Held(resources):
        answers = run_alone(crowded(app, bearer))
    alive = answers.pop()
    assert alive[0] == 200
    assert alive[-1] < MOST_S / 4
    assert {answer[:3] for answer in answers} == {(503, "DatabaseBusy", "5")}
    assert max(seconds for *_, seconds in answers) < MOST_S
    answers = run_alone(asked(app, CLIENTS, "/api/v1/jobs", **bearer))
    assert {status for status, *_ in answers} == {200}


def test_who_is_known_already_is_refused_in_time_too(resources):
    """Nobody has to be looked up, so that all of them wait where the work is done, in more rounds than one."""
    app = create_app(resources)
    person = make_person(resources, "ada")
    bearer = {"Authorization": f"Bearer {sessions.issue_tokens(resources, person).access_token}"}

    async def known_then_held():
        await asked(app, 1, "/api/v1/auth/me", **bearer)
        held = Held(resources)
        await asyncio.to_thread(held.__enter__)
        try:
            return await asked(app, CLIENTS, "/api/v1/jobs", **bearer)
        finally:
            await asyncio.to_thread(held.__exit__)

    answers = run_alone(known_then_held())
    assert {answer[:3] for answer in answers} == {(503, "DatabaseBusy", "5")}
    assert max(seconds for *_, seconds in answers) < MOST_S


def test_a_short_wait_is_no_refusal():
    places, done = ConnectionPlaces(2), []

    def use():
        with places.taken():
            time.sleep(0.01)
            done.append(1)

    with ThreadPoolExecutor(40) as threads:
        for future in [threads.submit(use) for _ in range(40)]:
            future.result()
    assert len(done) == 40


def test_who_comes_to_a_queue_that_does_not_move_is_refused_at_once():
    places = ConnectionPlaces(1)

    def refused_after_s():
        began = time.perf_counter()
        with pytest.raises(DatabaseBusy), places.taken():
            pass
        return time.perf_counter() - began

    with ThreadPoolExecutor(1) as thread:
        with places.taken():
            first = thread.submit(refused_after_s)
            time.sleep(WAIT_S * 0.7)
            assert refused_after_s() < WAIT_S / 4  # the first one still waits
            assert WAIT_S <= first.result() < MOST_S
            assert refused_after_s() < WAIT_S / 4  # nothing has come back since
        with places.taken():
            second = thread.submit(refused_after_s)
            assert second.result() >= WAIT_S  # something came back: waiting has sense again


def test_a_failure_gives_the_place_back():
    places = ConnectionPlaces(1)
    for _ in range(3):
        with pytest.raises(KeyError), places.taken():
            raise KeyError
