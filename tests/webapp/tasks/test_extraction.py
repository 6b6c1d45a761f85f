from dataclasses import replace

import numpy as np
import pytest
import shapely

from models.job_states import JobState
from processing.detector.protocol import DetectorCard
from processing.params import ExtractionParams
from tests.processing.bright_roofs import BrightRoofs
from tests.support.rasters import grid_of_rectangles, write_scene
from webapp.services import footprints, jobs, scenes, uploads
from webapp.services.footprints import FootprintQuery
from webapp.tasks.context import WorkerContext
from webapp.tasks.jobs import run_job

SIZE_PX = (700, 900)
CARD = DetectorCard(
    name="small", window_px=128, stride_px=64, gsd_min_m=0.05, gsd_max_m=1.5, gsd_working_m=0.3, weights_sha256="a" * 64
)
PARAMS = ExtractionParams(window_px=256)


@pytest.fixture
def scene(resources, alice, tmp_path):
    path = write_scene(tmp_path / "made.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
    with uploads.begin_upload(resources, alice, path.name) as upload:
        upload.write(path.read_bytes())
        received = upload.finish()
    return scenes.register_scene(resources, alice, received)


def context_of(resources, detector, is_shutting_down=lambda: False):
    return WorkerContext(resources, "tester", lambda weights: detector, is_shutting_down)


def rows_of(resources, principal, job_id):
    frame = footprints.list_footprints(resources, principal, FootprintQuery(job_id=job_id), limit=10_000)
    return sorted(zip(frame.footprint_key, shapely.to_wkb(frame.geometry.values), frame.confidence, strict=True))


class Failing(BrightRoofs):
    """Raises once it has seen some windows."""

    def __init__(self, card, after, error):
        super().__init__(card)
        self.after, self.error = after, error

    def detect(self, images):
        if self.windows_seen >= self.after:
            raise self.error
        return super().detect(images)


def test_a_job_runs_to_its_end(resources, alice, scene):
    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS)
    detector = BrightRoofs(CARD)
    assert run_job(context_of(resources, detector), job.id) is JobState.SUCCEEDED
    done = jobs.get_job(resources, alice, job.id)
    assert done.state == "succeeded"
    assert done.windows_done == done.windows_total == detector.windows_seen > 50
    assert done.percent_completed == 100.0
    assert done.footprint_count == len(grid_of_rectangles(SIZE_PX)) == len(rows_of(resources, alice, job.id))
    texts = [message.text for message in jobs.job_messages(resources, alice, job.id)]
    assert texts[0].startswith("Started: made.tif, 900 x 700 px at 0.30 m")
    assert texts[-1].startswith(f"Finished: {done.footprint_count} buildings")
    assert run_job(context_of(resources, detector), job.id) is None


def test_an_attempt_that_fails_is_resumed_at_the_part_where_it_broke(resources, alice, scene):
    whole = jobs.submit_extraction(resources, alice, scene.id, PARAMS)
    untouched = BrightRoofs(CARD)
    run_job(context_of(resources, untouched), whole.id)

    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS)
    first = Failing(CARD, 60, RuntimeError("out of luck"))
    assert run_job(context_of(resources, first), job.id) is JobState.QUEUED
    between = jobs.get_job(resources, alice, job.id)
    assert 0 < between.windows_done < between.windows_total
    second = BrightRoofs(CARD)
    assert run_job(context_of(resources, second), job.id) is JobState.SUCCEEDED
    assert second.windows_seen < untouched.windows_seen
    assert rows_of(resources, alice, job.id) == rows_of(resources, alice, whole.id)
    texts = [message.text for message in jobs.job_messages(resources, alice, job.id)]
    assert any("RuntimeError" in text for text in texts)
    assert any(text.startswith("Resumed at part ") for text in texts)


def test_other_weights_on_a_later_attempt_start_afresh(resources, alice, scene):
    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS)
    run_job(context_of(resources, Failing(CARD, 60, RuntimeError())), job.id)
    assert len(rows_of(resources, alice, job.id)) > 0
    new = BrightRoofs(replace(CARD, weights_sha256="d" * 64))
    assert run_job(context_of(resources, new), job.id) is JobState.SUCCEEDED
    done = jobs.get_job(resources, alice, job.id)
    assert new.windows_seen == done.windows_total
    assert done.footprint_count == len(grid_of_rectangles(SIZE_PX)) == len(rows_of(resources, alice, job.id))


def test_a_job_that_fails_at_every_attempt_is_dead_with_a_reason(resources, alice, scene):
    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS)
    states = [
        run_job(context_of(resources, Failing(CARD, 0, RuntimeError("no luck"))), job.id)
        for _ in range(resources.settings.max_attempts + 1)
    ]
    assert states == [JobState.QUEUED, JobState.QUEUED, JobState.DEAD, None]
    dead = jobs.get_job(resources, alice, job.id)
    assert (dead.state, dead.error_code, dead.attempt) == ("dead", "TooManyAttempts", 3)
    assert "RuntimeError" in dead.error_message
    assert "Given up after 3 attempts." in dead.error_message


def test_a_problem_of_the_scene_fails_at_once_with_its_code(resources, alice, scene):
    # Accepted with the installed weights' card; the worker's own detector wants coarser pixels.
    job = jobs.submit_extraction(resources, alice, scene.id, ExtractionParams(gsd_m=0.04))
    assert run_job(context_of(resources, BrightRoofs(CARD)), job.id) is JobState.FAILED
    failed = jobs.get_job(resources, alice, job.id)
    assert (failed.state, failed.error_code, failed.attempt) == ("failed", "PixelSizeTooSmall", 1)
    assert "0.0400 m" in failed.error_message


def test_a_lost_file_fails_the_job(resources, alice, scene):
    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS)
    scenes.scene_file(resources, alice, scene.id).unlink()
    assert run_job(context_of(resources, BrightRoofs(CARD)), job.id) is JobState.FAILED
    assert jobs.get_job(resources, alice, job.id).error_code == "NotFound"


def test_a_worker_that_is_shut_down_hands_the_job_back_uncounted(resources, alice, scene):
    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS)
    detector = BrightRoofs(CARD)
    stopping = context_of(resources, detector, lambda: detector.windows_seen >= 60)
    assert run_job(stopping, job.id) is JobState.QUEUED
    between = jobs.get_job(resources, alice, job.id)
    assert (between.state, between.attempt) == ("queued", 0)
    second = BrightRoofs(CARD)
    assert run_job(context_of(resources, second), job.id) is JobState.SUCCEEDED
    done = jobs.get_job(resources, alice, job.id)
    assert second.windows_seen < done.windows_total
    assert (done.attempt, done.footprint_count) == (1, len(grid_of_rectangles(SIZE_PX)))


def test_a_cancel_stops_the_work_and_keeps_what_was_found(make_resources, resources, alice, scene):
    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS)

    class Cancelling(BrightRoofs):
        def detect(self, images):
            if self.windows_seen == 60:
                jobs.cancel_job(resources, alice, job.id)
            return super().detect(images)

    detector = Cancelling(CARD)
    assert run_job(context_of(resources, detector), job.id) is JobState.CANCELLED
    cancelled = jobs.get_job(resources, alice, job.id)
    assert cancelled.cancel_requested
    assert detector.windows_seen < cancelled.windows_total
    assert cancelled.footprint_count == len(rows_of(resources, alice, job.id))


def test_a_region_limits_the_work(resources, alice, scene):
    west, south, east, north = scene.bounds_deg
    middle = shapely.box(west, south, (west + east) / 2, north)
    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS, shapely.geometry.mapping(middle))
    assert run_job(context_of(resources, BrightRoofs(CARD)), job.id) is JobState.SUCCEEDED
    frame = footprints.list_footprints(resources, alice, FootprintQuery(job_id=job.id))
    assert 0 < len(frame) < len(grid_of_rectangles(SIZE_PX))
    assert np.all(frame.geometry.representative_point().x < (west + east) / 2 + 1e-6)
