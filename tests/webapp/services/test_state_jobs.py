"""Jobs of whole states, as far as the tables decide: what is written, in which order parts go, how the whole ends."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import shapely
from shapely.geometry import shape
from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.job import OutboxEntry, ProcessingJob
from models.job_states import JobState
from models.queries import state_jobs as queries
from processing.errors import ParameterInvalid, PixelSizeTooLarge, StateUnknown
from processing.params import ExtractionParams
from tests.support.footprints import part_of, squares
from tests.support.jobs import add_scene, info_at, submit
from webapp.building_errors import JobNotRetryable
from webapp.errors import NotFound, QuotaExceeded, SceneInUse
from webapp.services import dispatch, footprints, jobs, leases, scenes, state_jobs
from webapp.services.claims import JobError
from webapp.services.footprints import FootprintQuery
from webapp.services.job_removal import delete_job
from webapp.services.job_retries import retry_job
from webapp.services.job_statistics import job_statistics
from webapp.services.maintenance import CleanupWish, clean_up, preview_cleanup
from webapp.services.quotas import quota_views
from webapp.services.state_parts import hand_out_parts
from webapp.services.state_planning import list_states
from webapp.services.us_states import us_states
from webapp.state_errors import JobInUse, JobIsPart, NoImagery

PARAMS = ExtractionParams()
COLORADO = (-105.0, 39.0)
STEP = 0.002


def add_scenes(resources, person, number, corner=COLORADO):
    """Scenes side by side, some way apart, from here to the east."""
    west, south = corner
    boxes = [(west + 2 * STEP * n, south, west + 2 * STEP * n + STEP, south + STEP) for n in range(number)]
    return [add_scene(resources, person, info_at(*box, name=f"c{n}.tif")) for n, box in enumerate(boxes)]


def work(resources, part, state=JobState.SUCCEEDED, buildings=4):
    """Take a part, find some buildings, and end it."""
    claim = leases.claim(resources, part.id, "w")
    leases.save_part(resources, claim, part_of(0, 1, squares(buildings)))
    error = None if state is JobState.SUCCEEDED else JobError("SceneEmpty", "It is empty.")
    return leases.finish(resources, claim, state, error)


def parts_of(resources, person, job):
    return state_jobs.list_parts(resources, person, job.id)


def log_of(resources, person, job):
    return [line.text for line in jobs.job_messages(resources, person, job.id)]


def sent(resources):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(OutboxEntry))


def test_one_job_is_seen_and_its_parts_go_to_the_workers_a_few_at_a_time(make_resources, alice):
    resources = make_resources(state_parts_at_once=2)
    add_scenes(resources, alice, 5)
    job = state_jobs.submit_state(resources, alice, "colorado", PARAMS)
    assert (job.kind, job.source, job.us_state, job.state) == ("state", "Colorado", "Colorado", "queued")
    assert (job.parts_total, job.parts_ended, job.windows_total > 0) == (5, 0, True)
    assert [view.id for view in jobs.list_jobs(resources, alice)] == [job.id]
    assert leases.claim(resources, job.id, "w") is None  # nobody works on the whole
    assert sent(resources) == 0
    assert [hand_out_parts(resources), hand_out_parts(resources), sent(resources)] == [2, 0, 2]
    waiting = parts_of(resources, alice, job)
    with resources.database.read(SYSTEM) as session:
        out = set(session.scalars(select(OutboxEntry.job_id)))
    assert work(resources, next(part for part in waiting if part.id in out)) is JobState.SUCCEEDED
    assert [hand_out_parts(resources), sent(resources)] == [1, 3]
    seen = jobs.get_job(resources, alice, job.id)
    assert (seen.state, seen.parts_ended, seen.footprint_count, seen.started_at is not None) == ("running", 1, 4, True)


def test_the_whole_ends_once_with_the_last_part_and_shows_what_all_found(resources, alice, bob):
    add_scenes(resources, alice, 3)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    for number, part in enumerate(parts_of(resources, alice, job)):
        assert jobs.get_job(resources, alice, job.id).state in ("queued", "running")
        work(resources, part, buildings=number + 2)
    done = jobs.get_job(resources, alice, job.id)
    assert (done.state, done.percent_completed, done.footprint_count) == ("succeeded", 100.0, 2 + 3 + 4)
    texts = log_of(resources, alice, job)
    assert texts[0].startswith("Colorado: ")
    assert sum(".tif: Finished: " in text for text in texts) == 3
    assert texts[-1] == "Finished: 9 buildings in 3 scenes."
    query = FootprintQuery(job_id=job.id)
    assert footprints.count(resources, alice, query) == footprints.statistics(resources, alice, query).count == 9
    assert sum(len(batch) for batch in footprints.iter_batches(resources, alice, query, rows=2)) == 9
    assert sum(len(ids) for ids in footprints.iter_ids(resources, alice, query)) == 9
    assert footprints.count(resources, bob, query) == 0
    counted = job_statistics(resources, alice)
    assert (counted.jobs, counted.by_state["succeeded"], counted.footprints) == (1, 1, 9)


def test_what_did_not_succeed_is_named_and_what_did_stays(resources, alice):
    add_scenes(resources, alice, 3)
    job = state_jobs.submit_state(resources, alice, "08", PARAMS)
    first, second, third = parts_of(resources, alice, job)
    work(resources, first)
    work(resources, second, JobState.FAILED)
    work(resources, third)
    ended = jobs.get_job(resources, alice, job.id)
    assert (ended.state, ended.error_code) == ("failed", "PartsFailed")
    assert ended.error_message == "1 of 3 scenes did not succeed: c1.tif (SceneEmpty: It is empty.)"
    assert footprints.count(resources, alice, FootprintQuery(job_id=job.id)) == 3 * 4


def test_a_part_that_kills_every_worker_is_dead_and_the_whole_ends(resources, alice):
    add_scenes(resources, alice, 2)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    good, poison = parts_of(resources, alice, job)
    work(resources, good)
    for _ in range(resources.settings.max_attempts):
        assert leases.claim(resources, poison.id, "w") is not None
        with resources.database.write(SYSTEM) as session:
            session.execute(text("UPDATE processing_jobs SET lease_until = lease_until - 1000"))
        dispatch.reconcile(resources)
    ended = jobs.get_job(resources, alice, job.id)
    assert (ended.state, ended.error_code) == ("dead", "PartsFailed")
    assert "c1.tif (WorkerLost: " in ended.error_message


def test_the_reconciler_ends_what_a_process_that_died_left_without_an_end(resources, alice):
    add_scenes(resources, alice, 2)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    first, second = parts_of(resources, alice, job)
    work(resources, first)
    claim = leases.claim(resources, second.id, "w")
    # As a process would that knows nothing of wholes, or died in between.
    with resources.database.write(SYSTEM) as session:
        values = "state = 'succeeded', finished_at = 1, lease_until = NULL, lease_owner = NULL"
        session.execute(text(f"UPDATE processing_jobs SET {values} WHERE id = :id"), {"id": claim.job_id})
    assert jobs.get_job(resources, alice, job.id).state == "running"
    dispatch.reconcile(resources)
    assert jobs.get_job(resources, alice, job.id).state == "succeeded"


def test_a_cancel_reaches_every_part(resources, alice):
    add_scenes(resources, alice, 4)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    done, running, *_ = parts_of(resources, alice, job)
    work(resources, done)
    claim = leases.claim(resources, running.id, "w")
    asked = jobs.cancel_job(resources, alice, job.id)
    assert (asked.state, asked.cancel_requested) == ("running", True)
    assert [part.state for part in parts_of(resources, alice, job)] == ["succeeded", "running", *["cancelled"] * 2]
    assert leases.heartbeat(resources, claim).cancel_requested
    assert leases.finish(resources, claim, JobState.SUCCEEDED) is JobState.CANCELLED
    ended = jobs.get_job(resources, alice, job.id)
    assert (ended.state, ended.error_code, ended.footprint_count) == ("cancelled", None, 4)
    assert jobs.cancel_job(resources, alice, job.id).state == "cancelled"
    assert hand_out_parts(resources) == 0


def test_a_cancel_before_the_first_part_ends_it_at_once(resources, alice):
    add_scenes(resources, alice, 2)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    assert jobs.cancel_job(resources, alice, job.id).state == "cancelled"


def test_a_worker_that_is_gone_does_not_keep_a_cancelled_state_running(make_resources, alice):
    resources = make_resources(cancel_grace_s=0.01)
    add_scenes(resources, alice, 1)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    leases.claim(resources, parts_of(resources, alice, job)[0].id, "w")
    jobs.cancel_job(resources, alice, job.id)
    threading.Event().wait(0.05)
    dispatch.reconcile(resources)
    assert jobs.get_job(resources, alice, job.id).state == "cancelled"


def test_parts_that_end_at_the_same_moment_end_the_whole_once(resources, alice):
    add_scenes(resources, alice, 8)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    claims = [leases.claim(resources, part.id, "w") for part in parts_of(resources, alice, job)]
    start = threading.Barrier(len(claims))

    def finish(claim):
        start.wait()
        return leases.finish(resources, claim, JobState.SUCCEEDED)

    with ThreadPoolExecutor(len(claims)) as crowd:
        assert set(crowd.map(finish, claims)) == {JobState.SUCCEEDED}
    assert jobs.get_job(resources, alice, job.id).state == "succeeded"
    assert log_of(resources, alice, job).count("Finished: 0 buildings in 8 scenes.") == 1


def test_ends_cancels_and_the_reconciler_do_not_lock_each_other_out(resources, alice):
    add_scenes(resources, alice, 8)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    parts = parts_of(resources, alice, job)
    claims = [leases.claim(resources, part.id, "w") for part in parts[:6]]
    start = threading.Barrier(9)

    def begin(what, *arguments):
        start.wait()
        return what(resources, *arguments)

    with ThreadPoolExecutor(9) as crowd:
        tries = [crowd.submit(begin, leases.finish, claim, JobState.SUCCEEDED) for claim in claims]
        tries += [crowd.submit(begin, jobs.cancel_job, alice, job_id) for job_id in (job.id, parts[7].id)]
        tries.append(crowd.submit(begin, dispatch.reconcile))
    assert [one.exception() for one in tries] == [None] * 9
    assert jobs.get_job(resources, alice, job.id).state == "cancelled"
    assert {part.state for part in parts_of(resources, alice, job)} <= {"succeeded", "cancelled"}


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_parts_that_wait_their_turn_are_not_thought_lost(make_resources, alice, broker):
    resources = make_resources(redis_url=broker.url, republish_s=0.1, state_parts_at_once=2)
    add_scenes(resources, alice, 5)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    assert dispatch.publish_outbox(resources) == 2
    threading.Event().wait(0.2)
    assert dispatch.reconcile(resources).sent_again == 0
    assert (dispatch.publish_outbox(resources), resources.queue.waiting()) == (0, 2)
    broker.lose_everything()
    assert dispatch.reconcile(resources).sent_again == 2
    jobs.cancel_job(resources, alice, job.id)
    assert dispatch.publish_outbox(resources) == 0


def test_a_retry_does_again_what_failed_and_takes_over_the_rest(make_resources, alice, bob, administrator):
    resources = make_resources(free_states_per_day=1, free_jobs_per_hour=1)
    add_scenes(resources, alice, 3)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    first, second, third = parts_of(resources, alice, job)
    with pytest.raises(JobNotRetryable):
        retry_job(resources, alice, job.id)
    work(resources, first)
    work(resources, second, JobState.FAILED, buildings=1)
    work(resources, third)
    with pytest.raises(JobIsPart):
        retry_job(resources, alice, second.id)
    with pytest.raises(NotFound):
        retry_job(resources, bob, job.id)
    again = retry_job(resources, administrator, job.id)
    assert (again.owner, again.state, again.parts_total, again.parts_ended) == ("alice", "queued", 3, 2)
    assert again.footprint_count == 8
    todo = [part for part in parts_of(resources, alice, again) if part.state == "queued"]
    assert [part.scene_name for part in todo] == ["c1.tif"]
    work(resources, todo[0])
    ended = jobs.get_job(resources, alice, again.id)
    assert (ended.state, ended.footprint_count) == ("succeeded", 12)
    old = jobs.get_job(resources, alice, job.id)
    assert (old.state, old.parts_total, old.footprint_count) == ("failed", 1, 1)
    assert footprints.count(resources, alice, FootprintQuery(job_id=again.id)) == 12
    with pytest.raises(JobNotRetryable):
        retry_job(resources, alice, again.id)
    left = {view.kind: view.left for view in quota_views(resources, alice)}
    assert left == {"states": 0, "jobs": 1}
    retry_job(resources, alice, job.id)
    with pytest.raises(QuotaExceeded):
        retry_job(resources, alice, job.id)


def test_a_state_spends_one_of_the_states_and_a_refusal_spends_and_leaves_nothing(make_resources, alice, bob):
    resources = make_resources(free_states_per_day=1)
    with pytest.raises(NoImagery) as refusal:
        state_jobs.submit_state(resources, alice, "pa", PARAMS)
    assert refusal.value.parameters["state"] == "Pennsylvania"
    add_scenes(resources, alice, 2)
    with pytest.raises(NoImagery):
        state_jobs.submit_state(resources, bob, "CO", PARAMS)
    with pytest.raises(StateUnknown):
        state_jobs.submit_state(resources, alice, "Colorodo", PARAMS)
    with pytest.raises(ParameterInvalid):
        state_jobs.submit_state(resources, alice, "CO", ExtractionParams(gsd_m=0.3))
    assert {view.kind: view.used for view in quota_views(resources, alice)} == {"states": 0, "jobs": 0}
    with ThreadPoolExecutor(4) as crowd:
        tries = [crowd.submit(state_jobs.submit_state, resources, alice, "CO", PARAMS) for _ in range(6)]
    refused = [one.exception() for one in tries if one.exception() is not None]
    assert [type(error) for error in refused] == [QuotaExceeded] * 5
    assert {view.kind: view.used for view in quota_views(resources, alice)} == {"states": 1, "jobs": 0}
    with resources.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(ProcessingJob)) == 3


def test_scenes_that_do_not_fit_are_left_out_and_told(resources, alice):
    west, south = COLORADO
    coarse = info_at(west, south, west + STEP, south + STEP, name="coarse.tif", gsd_m=30.0, gsd_x_m=30.0, gsd_y_m=30.0)
    add_scene(resources, alice, coarse)
    with pytest.raises(PixelSizeTooLarge):
        state_jobs.submit_state(resources, alice, "CO", PARAMS)
    add_scenes(resources, alice, 1, (west + 1, south))
    twice = add_scenes(resources, alice, 1, (west + 1, south))
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    assert [part.scene_id for part in parts_of(resources, alice, job)] == twice
    texts = log_of(resources, alice, job)
    assert any(text.startswith("Left out: ") and "coarse.tif" in text for text in texts)
    assert "Left out, because better imagery shows the same ground: c0.tif." in texts


def test_a_scene_over_the_border_is_cut_there_and_one_beyond_it_is_no_part(resources, alice):
    parallel = shapely.LineString([(-103, 39.001), (-101, 39.001)])
    border = us_states().find("CO").outline.intersection(parallel).bounds[2]
    places = [(-105.0, 39.0), (border - 0.3 * STEP, 39.0), (-101.5, 39.0)]
    inside, over, beyond = (add_scenes(resources, alice, 1, place)[0] for place in places)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    with resources.database.read(SYSTEM) as session:
        rows = {part.scene_id: part.aoi_geojson for part, _ in queries.list_parts(session, job.id)}
    assert set(rows) == {inside, over} == set(rows) - {beyond}
    assert rows[inside] is None
    west, _, east, _ = shape(rows[over]).bounds
    assert (west, east) == pytest.approx((border - 0.3 * STEP, border), abs=1e-5)


def test_what_is_removed_goes_whole(resources, alice, bob):
    ids = add_scenes(resources, alice, 2)
    job = state_jobs.submit_state(resources, alice, "CO", PARAMS)
    with pytest.raises(JobInUse):
        delete_job(resources, alice, job.id)
    with pytest.raises(SceneInUse):
        scenes.delete_scene(resources, alice, ids[0])
    first, second = parts_of(resources, alice, job)
    work(resources, first)
    work(resources, second)
    with pytest.raises(JobIsPart):
        delete_job(resources, alice, first.id)
    with pytest.raises(NotFound):
        delete_job(resources, bob, job.id)
    with resources.database.write(SYSTEM) as session:  # the first part ended long before the rest
        session.execute(text("UPDATE processing_jobs SET finished_at = 1 WHERE id = :id"), {"id": first.id})
    wish = CleanupWish(older_than_days=1)
    assert (preview_cleanup(resources, wish).jobs, clean_up(resources, wish).jobs) == (0, 0)
    assert preview_cleanup(resources, CleanupWish(0)).footprints == 8
    delete_job(resources, alice, job.id)
    assert jobs.list_jobs(resources, alice) == []
    assert footprints.count(resources, alice, FootprintQuery()) == 0
    with resources.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count()).select_from(ProcessingJob)) == 0
    plain = submit(resources, alice, ids[0])
    jobs.cancel_job(resources, alice, plain.id)
    delete_job(resources, alice, plain.id)
    scenes.delete_scene(resources, alice, ids[0])


def test_states_tell_how_many_of_ones_own_scenes_they_have(resources, alice, administrator):
    add_scenes(resources, alice, 2)
    counted = {view.code: view.scenes for view in list_states(resources, alice)}
    assert (counted.pop("CO"), sum(counted.values()), len(counted)) == (2, 0, 55)
    assert sum(view.scenes for view in list_states(resources, administrator)) == 0
