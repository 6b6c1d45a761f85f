"""What one web process needs, taken away and given back for real. All changes are seen within 5 seconds."""

import asyncio
import os
import shutil
import threading
import time
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from auth.principals import SYSTEM
from tests.support.own_loop import run_alone
from webapp.database import POOL_SIZE
from webapp.services.health import Check, check_health
from webapp.services.part_watch import PATIENCE_S, PartWatch
from webapp.services.readiness import Readiness

FLIP_S = 5.0
ROOM_BYTES = 300_000_000
LATE_S = 0.5
"""The event loop is never held up for longer."""


class Watched:
    """What a load balancer sees of a process, whose event loop runs in a thread of its own.

    The test's thread takes away and gives back: servers that a thread starts end with it.
    """

    def __init__(self, resources):
        self._readiness = Readiness(resources)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._longest_pause_s = 0.0

    def __enter__(self):
        self._thread.start()
        self._pauses = asyncio.run_coroutine_threadsafe(self._note_pauses(), self._loop)
        return self

    def __exit__(self, *_):
        self._pauses.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._readiness.close()

    def look(self):
        began = time.monotonic()
        found = asyncio.run_coroutine_threadsafe(self._readiness.look(), self._loop).result()
        assert time.monotonic() - began < PATIENCE_S + LATE_S
        assert found.ok == all(check.ok for check in found.checks.values())
        return found

    def flips(self, part, take_away, give_back):
        """Take a part away and give it back: each is seen in time, and holds up nobody."""
        self._wait_until(part, True)
        take_away()
        try:
            self._wait_until(part, False)
        finally:
            give_back()
        self._wait_until(part, True)
        assert self._longest_pause_s < LATE_S

    def _wait_until(self, part, is_ok):
        """Ask twice a second, as an impatient load balancer, until a part is so; all others are well."""
        until = time.monotonic() + FLIP_S
        while True:
            checks = dict(self.look().checks)
            if checks.pop(part).ok is is_ok:
                assert all(check.ok for check in checks.values()), checks
                return
            assert time.monotonic() < until, (part, is_ok)
            time.sleep(0.5)

    async def _note_pauses(self):
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            self._longest_pause_s = max(self._longest_pause_s, time.monotonic() - began - 0.01)


def fill(path, size_bytes):
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_broker_disk_and_file_are_missed_and_found_again(make_resources, broker, tmp_path):
    free = shutil.disk_usage(tmp_path).free
    if free < 4 * ROOM_BYTES:
        pytest.skip("the disk is too full to be filled a little")
    resources = make_resources(redis_url=broker.url, free_disk_bytes=free - ROOM_BYTES)
    file, aside, filling = tmp_path / "app.db", tmp_path / "aside.db", tmp_path / "filling"
    with Watched(resources) as process:
        process.flips("broker", broker.kill, broker.start)
        process.flips("broker", broker.freeze, broker.thaw)
        process.flips("disk", lambda: fill(filling, 2 * ROOM_BYTES), filling.unlink)
        process.flips("database", lambda: file.rename(aside), lambda: aside.rename(file))


@pytest.mark.parametrize("backend", ["postgis"], indirect=True)
def test_a_database_server_that_stops_or_freezes_is_missed_and_found_again(make_resources, broker, postgres_server):
    resources = make_resources(redis_url=broker.url)
    with Watched(resources) as process:
        process.flips("database", postgres_server.freeze, postgres_server.thaw)
        process.flips("database", postgres_server.stop_at_once, postgres_server.start)


@pytest.mark.parametrize("backend", ["postgis"], indirect=True)
def test_a_busy_pool_is_no_outage(make_resources, broker):
    """A load balancer that takes a busy server away makes the others busier."""
    resources = make_resources(redis_url=broker.url)
    with Watched(resources) as process, ExitStack() as held:
        for _ in range(POOL_SIZE):
            held.enter_context(resources.database.read(SYSTEM)).execute(text("SELECT 1"))
        assert process.look().ok


def test_nobody_is_missed_because_there_is_no_worker(make_resources, broker):
    resources = make_resources(redis_url=broker.url)
    with Watched(resources) as process:
        found = process.look()
        assert found.ok
        assert list(found.checks) == ["database", "broker", "disk"]
    assert not check_health(resources).ok


def test_a_look_that_never_ends_is_one_thread_and_no_wait():
    """Those who ask while it hangs wait no longer than the first one; many askers are one look."""
    release, looks = threading.Event(), []

    def hang():
        looks.append(1)
        release.wait(20)
        return "back"

    watch = PartWatch("hangs", hang)

    async def ask():
        first = await asyncio.gather(*(watch.check() for _ in range(50)))
        began = time.monotonic()
        later = await watch.check()
        assert time.monotonic() - began < LATE_S
        assert len(looks) == 1
        release.set()
        await asyncio.sleep(0.1)
        return {check.ok for check in first}, later, await watch.check()

    seen, later, after = run_alone(ask())
    assert (seen, later.detail, after) == ({False}, "It has not answered for 2 seconds.", Check(True, "back"))
