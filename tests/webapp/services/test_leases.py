import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.footprint import BuildingFootprint
from models.job import JobPart, OutboxEntry, ProcessingJob
from models.job_states import JobState
from tests.support.footprints import part_of
from tests.support.jobs import add_scene, submit
from webapp.errors import LeaseLost
from webapp.services import dispatch, jobs, leases
from webapp.services.claims import JobError


def expire(resources):
    """Let all leases run out."""
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET lease_until = lease_until - 1000"))


def count(resources, table):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(table))


@pytest.fixture
def job(resources, alice):
    return submit(resources, alice)


@pytest.fixture
def claim(resources, job):
    return leases.claim(resources, job.id, "first worker")


def test_one_of_many_workers_with_the_same_message_gets_the_job(resources, job):
    start = threading.Barrier(8)

    def take(number):
        start.wait()
        return leases.claim(resources, job.id, f"worker {number}")

    with ThreadPoolExecutor(8) as crowd:
        claims = [claim for claim in crowd.map(take, range(8)) if claim is not None]
    assert len(claims) == 1
    assert (claims[0].attempt, claims[0].lease_epoch) == (1, 1)


def test_an_unknown_job_is_not_to_be_had(resources):
    assert leases.claim(resources, "no-such-job", "w") is None


def test_a_part_is_saved_whole_and_once(resources, alice, claim):
    for _ in range(2):
        assert not leases.save_part(resources, claim, part_of(0, 3)).must_stop
    seen = jobs.get_job(resources, alice, claim.job_id)
    assert (seen.windows_done, seen.footprint_count) == (10, 4)
    assert count(resources, BuildingFootprint) == 4
    assert count(resources, JobPart) == 1
    with pytest.raises(ValueError, match="EPSG"):
        leases.save_part(resources, claim, _in_wrong_crs(part_of(1, 3)))
    seen = jobs.get_job(resources, alice, claim.job_id)
    assert (seen.windows_done, seen.footprint_count, count(resources, JobPart)) == (10, 4, 1)


def _in_wrong_crs(part):
    part.footprints.to_crs(3857, inplace=True)
    return part


@pytest.mark.parametrize("loses_by", ["reclaim", "cancel", "death"])
def test_a_zombie_can_write_nothing(resources, alice, claim, loses_by):
    weights = "w"
    assert leases.completed_parts(resources, claim, weights) == {}
    leases.save_part(resources, claim, part_of(0, 3))
    expire(resources)
    if loses_by == "cancel":
        jobs.cancel_job(resources, alice, claim.job_id)
    if loses_by == "death":
        with resources.database.write(SYSTEM) as session:
            session.execute(text("UPDATE processing_jobs SET attempt = max_attempts"))
    dispatch.reconcile(resources)
    second = leases.claim(resources, claim.job_id, "second worker")
    assert (second is not None) == (loses_by == "reclaim")
    before = jobs.get_job(resources, alice, claim.job_id), jobs.job_messages(resources, alice, claim.job_id)

    assert leases.heartbeat(resources, claim, 25).lost
    assert leases.look(resources, claim).lost
    for write in (
        lambda: leases.save_part(resources, claim, part_of(1, 3)),
        lambda: leases.start(resources, claim, 0, 99),
        lambda: leases.report(resources, claim, "info", "I am still here."),
        lambda: leases.completed_parts(resources, claim, "other weights"),
        lambda: leases.finish(resources, claim, JobState.SUCCEEDED),
        lambda: leases.finish(resources, claim, JobState.FAILED, JobError("X", "x")),
        lambda: leases.hand_back(resources, claim, "sorry", counted=True),
    ):
        with pytest.raises(LeaseLost):
            write()
    after = jobs.get_job(resources, alice, claim.job_id), jobs.job_messages(resources, alice, claim.job_id)
    assert after == before
    assert count(resources, BuildingFootprint) == 4
    if second is not None:
        assert leases.completed_parts(resources, second, weights) == {0: b"payload 0"}
        assert leases.finish(resources, second, JobState.SUCCEEDED) is JobState.SUCCEEDED


def test_the_end_comes_once_and_takes_the_parts_along(resources, alice, claim):
    leases.save_part(resources, claim, part_of(0, 1))
    assert leases.finish(resources, claim, JobState.SUCCEEDED) is JobState.SUCCEEDED
    done = jobs.get_job(resources, alice, claim.job_id)
    assert (done.state, done.footprint_count, done.percent_completed) == ("succeeded", 4, 100.0)
    assert done.is_finished
    assert count(resources, JobPart) == 0
    with pytest.raises(LeaseLost):
        leases.finish(resources, claim, JobState.FAILED)
    assert jobs.cancel_job(resources, alice, claim.job_id).state == "succeeded"


def test_a_wish_to_cancel_comes_before_success_but_not_before_failure(resources, alice):
    for state, end in ((JobState.SUCCEEDED, "cancelled"), (JobState.FAILED, "failed")):
        claim = leases.claim(resources, submit(resources, alice).id, "w")
        jobs.cancel_job(resources, alice, claim.job_id)
        error = JobError("RasterUnreadable", "It cannot be read.") if end == "failed" else None
        assert leases.finish(resources, claim, state, error) == end


def test_a_job_handed_back_is_announced_again_and_counted_or_not(resources, alice, claim):
    assert leases.hand_back(resources, claim, "restart", counted=False) is JobState.QUEUED
    assert jobs.get_job(resources, alice, claim.job_id).attempt == 0
    assert count(resources, OutboxEntry) == 2
    for attempt in (1, 2, 3):
        again = leases.claim(resources, claim.job_id, "w")
        assert again.attempt == attempt
        state = leases.hand_back(resources, again, "It broke.", counted=True)
    assert state is JobState.DEAD
    dead = jobs.get_job(resources, alice, claim.job_id)
    assert dead.error_message == "It broke. Given up after 3 attempts."
    assert leases.claim(resources, claim.job_id, "w") is None


def test_beats_hold_the_lease_and_progress_never_falls(resources, alice, claim):
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET lease_until = lease_until - 29"))
    leases.heartbeat(resources, claim, 30)
    with resources.database.read(SYSTEM) as session:
        left = session.scalar(select(ProcessingJob.lease_until)) - session.scalar(
            select(ProcessingJob.attempt_started_at)
        )
    assert left > resources.settings.lease_s - 1
    assert leases.heartbeat(resources, claim, 20) == leases.look(resources, claim)
    assert jobs.get_job(resources, alice, claim.job_id).windows_done == 30


def test_parallel_jobs_do_not_meet(resources, alice):
    scene_id = add_scene(resources, alice)
    claims = [leases.claim(resources, submit(resources, alice, scene_id).id, "w") for _ in range(4)]

    def work(claim):
        for index in range(5):
            leases.save_part(resources, claim, part_of(index, 5))
        return leases.finish(resources, claim, JobState.SUCCEEDED)

    with ThreadPoolExecutor(4) as crowd:
        assert set(crowd.map(work, claims)) == {JobState.SUCCEEDED}
    assert {jobs.get_job(resources, alice, claim.job_id).footprint_count for claim in claims} == {20}
