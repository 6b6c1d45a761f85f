"""The worker, the dispatcher and the broker as real processes, which are killed, frozen and emptied."""

import json
import os
import signal
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from sqlalchemy import make_url, text

from auth.principals import SYSTEM, Principal
from processing.params import ExtractionParams
from tests.conftest import BACKENDS, NO_LIMITS, migrated_database
from tests.support.broker import Broker, running_broker
from tests.support.footprint_files import feature, queue_import, write_geojson
from tests.support.footprints import squares
from tests.support.own_loop import run_alone
from tests.support.people import make_person
from tests.support.processes import DISPATCHER, WORKER, environment, kill_group, running, wait_until
from tests.support.rasters import grid_of_rectangles, write_scene
from webapp.api.main import create_app
from webapp.request_context import RequestContext, enter_request
from webapp.resources import Resources, open_resources
from webapp.services import footprints, jobs, scenes, sessions, uploads
from webapp.services.footprints import FootprintQuery
from webapp.services.health import check_health
from webapp.services.index_feeding import check_index, feed_indexes
from webapp.services.views import JobView
from webapp.settings import load_settings

SIZE_PX = (500, 600)
RECTANGLES = grid_of_rectangles(SIZE_PX)
PARAMS = ExtractionParams(window_px=256)
FAST = {
    "lease_s": 4.0,
    "heartbeat_s": 0.5,
    "relay_s": 0.1,
    "reconcile_s": 0.3,
    "republish_s": 2.0,
    "broker_timeout_s": 2.0,
    "cancel_grace_s": 10.0,
    "worker_memory_mb": 1000,
}
FAST_WINDOW_S, SLOW_WINDOW_S = 0.0, 0.15


@dataclass
class Installation:
    """Everything that runs, and somebody with a scene."""

    resources: Resources
    person: Principal
    broker: Broker
    folder: Path
    processes: ExitStack
    worker: "subprocess.Popen[bytes]" = field(init=False)
    dispatcher: "subprocess.Popen[bytes]" = field(init=False)
    scene_id: str = field(init=False)

    def start_worker(self) -> None:
        env = environment(self.resources.settings, TEST_WINDOW_FILE=str(self.folder / "window_s"))
        arguments = (*WORKER, "-n", f"w{time.monotonic_ns()}@test")
        self.worker = self.processes.enter_context(running(arguments, env, self.folder / "worker.log"))

    def start_dispatcher(self) -> None:
        env = environment(self.resources.settings)
        self.dispatcher = self.processes.enter_context(running(DISPATCHER, env, self.folder / "dispatcher.log"))

    def signal_worker(self, number: int) -> None:
        os.killpg(self.worker.pid, number)

    def freeze_worker(self) -> None:
        """Stop the worker where it stands, though not while it holds SQLite's write lock: nobody could write."""
        for _ in range(100):
            self.signal_worker(signal.SIGSTOP)
            if self._can_write():
                return
            self.signal_worker(signal.SIGCONT)
            time.sleep(0.05)
        raise AssertionError("the worker is never without a lock")

    def thaw_worker(self) -> None:
        self.signal_worker(signal.SIGCONT)

    def _can_write(self) -> bool:
        address = make_url(self.resources.settings.database_address)
        if address.get_backend_name() != "sqlite":
            return True
        with closing(sqlite3.connect(address.database, timeout=0.3, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            connection.execute("ROLLBACK")
            return True

    def set_speed(self, window_s: float) -> None:
        (self.folder / "window_s").write_text(str(window_s))

    def add_scene(self, name: str = "made.tif", rectangles=RECTANGLES, paint: int | None = None) -> str:
        path = write_scene(self.folder / name, SIZE_PX, rectangles, paint)
        with uploads.begin_upload(self.resources, self.person, name) as upload:
            upload.write(path.read_bytes())
            received = upload.finish()
        return scenes.register_scene(self.resources, self.person, received).id

    def submit(self, scene_id: str | None = None) -> str:
        """Submit a job as a request of its own would."""
        return copy_context().run(self._submit, scene_id or self.scene_id)

    def _submit(self, scene_id: str) -> str:
        enter_request(RequestContext(id=uuid.uuid4().hex))
        return jobs.submit_extraction(self.resources, self.person, scene_id, PARAMS).id

    def lines(self, process: str) -> list[dict[str, Any]]:
        """Return the log of all workers, or of all dispatchers."""
        lines = (self.folder / f"{process}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def job(self, job_id: str) -> JobView:
        return jobs.get_job(self.resources, self.person, job_id)

    def wait_finished(self, job_id: str, timeout_s: float = 60) -> JobView:
        return wait_until(lambda: _finished(self.job(job_id)), timeout_s, f"job {job_id} finished")

    def wait_half_done(self, job_id: str) -> JobView:
        def half_done():
            job = self.job(job_id)
            assert not job.is_finished
            return job if job.footprint_count > 0 and 0 < job.windows_done < job.windows_total else None

        return wait_until(half_done, 60, "job half done", 0.05)

    def footprints_of(self, job_id: str):
        frame = footprints.list_footprints(self.resources, self.person, FootprintQuery(job_id=job_id), limit=10_000)
        return sorted(zip(frame.footprint_key, shapely.to_wkb(frame.geometry.values), strict=True))

    def stored(self, job_id: str) -> int:
        """Count the rows in the table, seen or not."""
        with self.resources.database.read(SYSTEM) as session:
            rows = "SELECT count(*) FROM building_footprints WHERE job_id = :job_id"
            return session.execute(text(rows), {"job_id": job_id}).scalar_one()

    def wait_stored(self, job_id: str, more_than: int) -> None:
        wait_until(lambda: self.stored(job_id) > more_than, 60, "some batches stored", 0.02)

    def texts(self, job_id: str) -> list[str]:
        return [message.text for message in jobs.job_messages(self.resources, self.person, job_id)]


def _finished(job: JobView) -> JobView | None:
    return job if job.is_finished else None


@pytest.fixture(scope="module", params=BACKENDS)
def shared(request, tmp_path_factory) -> Iterator[Installation]:
    """One installation for all tests of a database: starting Python processes is what takes time here."""
    folder = tmp_path_factory.mktemp(f"installation-{request.param}")
    with (
        migrated_database(request.param, request, folder) as url,
        running_broker(folder / "broker") as broker,
        ExitStack() as processes,
    ):
        settings = load_settings(data_dir=folder / "data", database_url=url, redis_url=broker.url, **NO_LIMITS, **FAST)
        resources = open_resources(settings)
        processes.callback(resources.close)
        made = Installation(resources, make_person(resources, "alice"), broker, folder, processes)
        made.set_speed(FAST_WINDOW_S)
        made.start_worker()
        made.start_dispatcher()
        made.scene_id = made.add_scene()
        yield made


@pytest.fixture
def installation(shared) -> Installation:
    shared.set_speed(FAST_WINDOW_S)
    return shared


def test_a_job_that_loses_its_worker_ends_once_with_the_same_footprints(installation):
    undisturbed = installation.wait_finished(installation.submit(), 90)
    assert undisturbed.state == "succeeded"
    assert undisturbed.footprint_count == len(RECTANGLES)
    assert check_health(installation.resources).checks["worker"].ok

    installation.set_speed(SLOW_WINDOW_S)
    job_id = installation.submit()
    installation.wait_half_done(job_id)
    kill_group(installation.worker)
    assert installation.job(job_id).state == "running"
    installation.set_speed(FAST_WINDOW_S)
    installation.start_worker()
    done = installation.wait_finished(job_id, 90)
    assert (done.state, done.attempt) == ("succeeded", 2)
    assert done.footprint_count == len(RECTANGLES)
    assert installation.footprints_of(job_id) == installation.footprints_of(undisturbed.id)
    texts = installation.texts(job_id)
    assert sum(text.startswith("Finished") for text in texts) == 1
    assert any(text.startswith("Resumed at part ") for text in texts)


@pytest.mark.long(on="sqlite")
def test_a_worker_that_froze_and_comes_back_changes_nothing_it_no_longer_holds(installation):
    installation.set_speed(SLOW_WINDOW_S)
    job_id = installation.submit()
    installation.wait_half_done(job_id)
    installation.freeze_worker()
    try:
        wait_until(lambda: installation.job(job_id).state == "queued", 30, "the lease has run out")
    finally:
        installation.thaw_worker()
    done = installation.wait_finished(job_id)
    assert (done.state, done.attempt, done.footprint_count) == ("succeeded", 2, len(RECTANGLES))
    assert sum(text.startswith("Finished") for text in installation.texts(job_id)) == 1


@pytest.mark.long(on="sqlite")
def test_a_restarted_worker_loses_nothing_and_counts_nothing(installation):
    installation.set_speed(SLOW_WINDOW_S)
    job_id = installation.submit()
    installation.wait_half_done(job_id)
    installation.worker.send_signal(signal.SIGTERM)
    assert installation.worker.wait(timeout=30) == 0
    between = installation.job(job_id)
    assert (between.state, between.attempt) == ("queued", 0)
    installation.set_speed(FAST_WINDOW_S)
    installation.start_worker()
    done = installation.wait_finished(job_id, 90)
    assert (done.state, done.attempt, done.footprint_count) == ("succeeded", 1, len(RECTANGLES))


def test_a_job_outlives_its_broker(installation):
    installation.set_speed(SLOW_WINDOW_S)
    first = installation.submit()
    installation.wait_half_done(first)
    installation.broker.kill()
    installation.set_speed(FAST_WINDOW_S)
    second = installation.submit()
    time.sleep(2)
    installation.broker.start()
    assert installation.wait_finished(first).state == "succeeded"
    assert installation.job(first).attempt == 1
    assert installation.wait_finished(second).state == "succeeded"
    assert installation.footprints_of(first) == installation.footprints_of(second)


@pytest.mark.long(on="sqlite")
def test_a_broker_that_forgets_everything_loses_no_job(installation):
    installation.freeze_worker()
    try:
        submitted = [installation.submit() for _ in range(3)]
        wait_until(lambda: installation.resources.queue.waiting() >= 2, 30, "messages sent")
        installation.broker.lose_everything()
        wait_until(lambda: installation.resources.queue.waiting() >= 3, 30, "messages sent again")
    finally:
        installation.thaw_worker()
    assert [installation.wait_finished(job_id).state for job_id in submitted] == ["succeeded"] * 3
    assert {installation.job(job_id).attempt for job_id in submitted} == {1}


@pytest.mark.long(on="sqlite")
def test_a_frozen_broker_does_not_hold_up_those_who_submit(installation):
    assert installation.wait_finished(installation.submit()).state == "succeeded"
    installation.broker.freeze()
    try:
        began_at = time.monotonic()
        job_id = installation.submit()
        assert time.monotonic() - began_at < 2
        time.sleep(5)
        assert installation.job(job_id).state == "queued"
    finally:
        installation.broker.thaw()
    assert installation.wait_finished(job_id).state == "succeeded"


def test_a_cancelled_job_stops_within_seconds_and_writes_nothing_more(installation):
    installation.set_speed(SLOW_WINDOW_S)
    running_job = installation.submit()
    installation.wait_half_done(running_job)
    waiting = installation.submit()
    assert jobs.cancel_job(installation.resources, installation.person, waiting).state == "cancelled"
    asked_at = time.monotonic()
    jobs.cancel_job(installation.resources, installation.person, running_job)
    cancelled = installation.wait_finished(running_job, 10)
    assert time.monotonic() - asked_at < 5
    assert cancelled.state == "cancelled"
    kept = installation.footprints_of(running_job)
    time.sleep(2)
    assert installation.footprints_of(running_job) == kept
    never_ran = installation.job(waiting)
    assert (never_ran.state, never_ran.attempt, never_ran.started_at) == ("cancelled", 0, None)


@pytest.mark.long(on="sqlite")
def test_a_job_that_kills_its_worker_is_dead_after_three_and_others_go_on(installation):
    poison = installation.submit(installation.add_scene("poison.tif", paint=254))
    good = installation.submit()
    assert installation.wait_finished(good).state == "succeeded"
    dead = installation.wait_finished(poison, 90)
    assert (dead.state, dead.attempt, dead.error_code) == ("dead", 3, "WorkerLost")
    assert "stopped without a word" in dead.error_message
    assert sum(text.startswith("Started") for text in installation.texts(poison)) == 3


@pytest.mark.long(on="postgis")
def test_a_job_that_takes_too_much_memory_fails_at_once_and_its_worker_lives_on(installation):
    hungry = installation.submit(installation.add_scene("hungry.tif", paint=253))
    failed = installation.wait_finished(hungry, 60)
    assert (failed.state, failed.attempt, failed.error_code) == ("failed", 1, "WorkerMemoryExceeded")
    assert "1000 MB" in failed.error_message
    assert "WORKER_MEMORY_MB" in failed.error_message
    ended = [line for line in installation.lines("worker") if line["event"] == "memory_exceeded"]
    assert len(ended) == 1
    assert 1000 < ended[0]["held_mb"] < 1500
    assert installation.wait_finished(installation.submit()).state == "succeeded"
    assert installation.worker.poll() is None
    assert installation.job(hungry).state == "failed"


def test_an_import_that_loses_its_worker_shows_nothing_until_it_shows_all(installation):
    houses = squares(400)
    path = write_geojson(installation.folder / "houses.geojson", [feature(house) for house in houses])
    installation.set_speed(SLOW_WINDOW_S)
    job_id = queue_import(installation.resources, installation.person, path).job.id
    for _ in range(2):
        installation.wait_stored(job_id, installation.stored(job_id))
        kill_group(installation.worker)
        assert installation.job(job_id).state == "running"
        assert 0 < installation.stored(job_id) < len(houses)
        assert installation.footprints_of(job_id) == []
        assert footprints.count(installation.resources, installation.person, FootprintQuery(job_id=job_id)) == 0
        installation.start_worker()
        wait_until(lambda: installation.texts(job_id)[-1].startswith("Resumed"), 60, "another attempt")
    installation.set_speed(FAST_WINDOW_S)
    done = installation.wait_finished(job_id, 90)
    assert (done.state, done.attempt, done.footprint_count) == ("succeeded", 3, len(houses))
    found = installation.footprints_of(job_id)
    expected = [(f"row-{row}", shapely.to_wkb(house)) for row, house in enumerate(houses, start=1)]
    assert [key for key, _ in found] == sorted(key for key, _ in expected)
    assert installation.stored(job_id) == len(houses)
    feed_indexes(installation.resources)
    assert check_index(installation.resources, installation.person.owner_filter).agrees
    assert sum(text.startswith("Imported 400 buildings") for text in installation.texts(job_id)) == 1


def test_a_cancelled_import_stops_within_seconds_and_leaves_nothing(installation):
    path = write_geojson(installation.folder / "doomed.geojson", [feature(house) for house in squares(400)])
    installation.set_speed(SLOW_WINDOW_S)
    job_id = queue_import(installation.resources, installation.person, path).job.id
    installation.wait_stored(job_id, 0)
    jobs.cancel_job(installation.resources, installation.person, job_id)
    assert installation.wait_finished(job_id, 10).state == "cancelled"
    wait_until(lambda: not installation.stored(job_id), 10, "what was stored is gone")


@pytest.mark.long(on="sqlite")
def test_a_second_dispatcher_waits_and_takes_over(installation):
    first = installation.dispatcher
    log = installation.folder / "dispatcher.log"
    led_before = log.read_text().count("dispatcher_leads")
    assert led_before > 0
    installation.start_dispatcher()
    time.sleep(4)
    assert log.read_text().count("dispatcher_leads") == led_before
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    wait_until(lambda: log.read_text().count("dispatcher_leads") > led_before, 30, "the second leads")
    assert installation.wait_finished(installation.submit()).state == "succeeded"
    installation.dispatcher.send_signal(signal.SIGTERM)
    assert installation.dispatcher.wait(timeout=10) == 0
    installation.start_dispatcher()


@pytest.mark.long(on="sqlite")
def test_every_line_about_a_job_carries_the_id_of_the_request_that_asked_for_it(installation):
    asked = {"X-Request-ID": "proxy-7f3a.1"}
    answer = post_to_api(installation, asked)
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (202, "proxy-7f3a.1")
    job_id = answer.json()["job_id"]
    assert installation.wait_finished(job_id, 90).request_id == "proxy-7f3a.1"
    wait_until(lambda: "job_left" in events_about(installation.lines("worker"), job_id), 10, "the last line written")
    assert {"job_taken", "job_left"} <= events_about(installation.lines("worker"), job_id)
    assert "job_sent" in events_about(installation.lines("dispatcher"), job_id)
    with installation.resources.database.read(SYSTEM) as session:
        known = dict(session.execute(text("SELECT id, request_id FROM processing_jobs")).all())
    lines = [line for process in ("worker", "dispatcher") for line in installation.lines(process) if "job_id" in line]
    apart = [line for line in lines if line.get("request_id") != known.get(line["job_id"])]
    assert apart == []
    assert all(line.get("job_id") for line in installation.lines("worker") if str(line.get("held", "")).strip())


def events_about(lines, job_id):
    return {line["event"] for line in lines if line.get("job_id") == job_id}


def post_to_api(installation, headers):
    """Send one request to the application as it is served, in this process."""
    token = sessions.issue_tokens(installation.resources, installation.person).access_token
    body = {"scene_id": installation.scene_id, "parameters": {"window_px": 256}}

    async def send():
        transport = httpx.ASGITransport(create_app(installation.resources))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            path = "/api/v1/ml-processing/extract-buildings"
            return await client.post(path, json=body, headers=headers | {"Authorization": f"Bearer {token}"})

    return run_alone(send())
