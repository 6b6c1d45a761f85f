import threading
from itertools import chain

import pytest
from shapely.geometry import box, mapping
from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.job import OutboxEntry, ProcessingJob
from models.job_states import JobState
from processing.errors import AoiInvalid, AoiOutsideScene, PixelSizeTooLarge, PixelSizeTooSmall, WeightsUnknown
from processing.params import ExtractionParams
from tests.support.jobs import add_scene, submit
from webapp.errors import NotFound
from webapp.services import jobs, leases

INSIDE = mapping(box(10.01, 49.91, 10.02, 49.92))
BOW_TIE = {
    "type": "Polygon",
    "coordinates": [[[10.01, 49.91], [10.03, 49.93], [10.03, 49.91], [10.01, 49.93], [10.01, 49.91]]],
}


def count(resources, table):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(table))


def test_a_job_is_submitted_with_its_message_and_seen_by_its_owner(resources, alice, bob, administrator):
    scene_id = add_scene(resources, alice)
    params = ExtractionParams(min_confidence=0.7)
    job = jobs.submit_extraction(resources, alice, scene_id, params, INSIDE)
    assert (job.state, job.owner, job.scene_id, job.scene_name) == ("queued", "alice", scene_id, "made.tif")
    assert (job.percent_completed, job.eta_s, job.attempt, job.footprint_count) == (0.0, None, 0, 0)
    assert ExtractionParams.from_json(job.params) == params
    assert job.aoi_geojson["type"] == "Polygon"
    assert job.created_at.tzinfo is not None
    assert count(resources, OutboxEntry) == 1
    assert jobs.get_job(resources, administrator, job.id) == job
    assert jobs.list_jobs(resources, administrator) == [job]
    assert jobs.list_jobs(resources, bob) == []
    for ask in (jobs.get_job, jobs.cancel_job, jobs.job_messages):
        with pytest.raises(NotFound):
            ask(resources, bob, job.id)
    with pytest.raises(NotFound):
        jobs.submit_extraction(resources, bob, scene_id, ExtractionParams())


@pytest.mark.parametrize(
    ("aoi", "error"),
    [
        (mapping(box(20, 20, 21, 21)), AoiOutsideScene),
        ({"type": "Point", "coordinates": [10.01, 49.95]}, AoiInvalid),
        ({"type": "Polygon", "coordinates": []}, AoiInvalid),
        ({"hello": "world"}, AoiInvalid),
    ],
)
def test_a_wrong_region_makes_no_job(resources, alice, aoi, error):
    with pytest.raises(error):
        jobs.submit_extraction(resources, alice, add_scene(resources, alice), ExtractionParams(), aoi)
    assert count(resources, ProcessingJob) == count(resources, OutboxEntry) == 0


def test_a_bow_tie_is_mended(resources, alice):
    job = jobs.submit_extraction(resources, alice, add_scene(resources, alice), ExtractionParams(), BOW_TIE)
    assert job.aoi_geojson["type"] == "MultiPolygon"


@pytest.mark.parametrize("weights", ["../secret", "/etc/passwd", "x.onnx", "", "A" * 100])
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_weights_are_named_never_a_path(resources, alice, weights):
    with pytest.raises(WeightsUnknown):
        jobs.submit_extraction(resources, alice, add_scene(resources, alice), ExtractionParams(weights=weights))


@pytest.mark.parametrize(("gsd_m", "error"), [(4.0, PixelSizeTooLarge), (0.01, PixelSizeTooSmall)])
def test_a_scene_that_the_weights_cannot_work_on_makes_no_job(resources, alice, gsd_m, error):
    with pytest.raises(error):
        jobs.submit_extraction(resources, alice, add_scene(resources, alice), ExtractionParams(gsd_m=gsd_m))
    assert count(resources, ProcessingJob) == count(resources, OutboxEntry) == 0


def test_jobs_come_newest_first_page_by_page(resources, alice):
    scene_id = add_scene(resources, alice)
    made = [submit(resources, alice, scene_id).id for _ in range(7)]
    with resources.database.write(SYSTEM) as session:  # equal times must not lose or repeat a job
        session.execute(text("UPDATE processing_jobs SET created_at = round(created_at)"))
    pages, before = [], None
    while page := jobs.list_jobs(resources, alice, limit=3, before=before):
        pages.append([job.id for job in page])
        before = page[-1].id
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sorted(chain.from_iterable(pages)) == sorted(made)


def test_a_waiting_job_is_cancelled_at_once_and_a_second_time_changes_nothing(resources, alice):
    job = submit(resources, alice)
    cancelled = jobs.cancel_job(resources, alice, job.id)
    assert (cancelled.state, cancelled.cancel_requested) == ("cancelled", True)
    assert jobs.cancel_job(resources, alice, job.id) == cancelled
    assert leases.claim(resources, job.id, "w") is None
    texts = [message.text for message in jobs.job_messages(resources, alice, job.id)]
    assert texts == ["alice asked to cancel the job.", "Cancelled before it began."]


def test_cancel_and_claim_that_race_end_in_one_of_two_ways(resources, alice):
    scene_id = add_scene(resources, alice)
    for _ in range(15):
        job = submit(resources, alice, scene_id)
        start, claims = threading.Barrier(2), []

        def take(job_id=job.id, start=start, claims=claims):
            start.wait()
            claims.append(leases.claim(resources, job_id, "w"))

        worker = threading.Thread(target=take)
        worker.start()
        start.wait()
        asked = jobs.cancel_job(resources, alice, job.id)
        worker.join()
        if claims[0] is None:
            assert asked.state == "cancelled"
        else:
            assert leases.heartbeat(resources, claims[0]).cancel_requested
            assert leases.finish(resources, claims[0], JobState.CANCELLED) is JobState.CANCELLED
        assert jobs.get_job(resources, alice, job.id).state == "cancelled"


def test_the_rest_of_the_time_is_told_from_this_attempt_alone(resources, alice):
    job = submit(resources, alice)
    claim = leases.claim(resources, job.id, "w")
    leases.completed_parts(resources, claim, "w")
    leases.start(resources, claim, 60, 100)
    assert jobs.get_job(resources, alice, job.id).eta_s is None
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET attempt_started_at = attempt_started_at - 10"))
    leases.heartbeat(resources, claim, 70)
    seen = jobs.get_job(resources, alice, job.id)
    assert seen.percent_completed == 70.0
    assert seen.eta_s == pytest.approx(30, abs=3)
