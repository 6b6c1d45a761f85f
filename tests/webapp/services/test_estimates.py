"""An estimate foresees what a real run then does, refuses what the start would refuse, and spends nothing."""

from dataclasses import replace

import pytest
from shapely.geometry import box, mapping

from models.job_states import JobState
from processing.errors import AoiOutsideScene, PixelSizeTooLarge, WeightsUnknown
from processing.params import ExtractionParams
from tests.processing.bright_roofs import BrightRoofs
from tests.support.rasters import grid_of_rectangles, write_scene
from webapp.errors import NotFound, QuotaExceeded
from webapp.services import jobs, scenes, uploads
from webapp.services.estimates import DEFAULT_WINDOWS_PER_S, estimate_extraction
from webapp.services.models import card_of
from webapp.tasks.context import WorkerContext
from webapp.tasks.jobs import run_job

SIZE_PX = (900, 1100)
PARAMS = ExtractionParams(window_px=512)


@pytest.fixture
def limited(make_resources):
    return make_resources(free_jobs_per_hour=2)


@pytest.fixture
def scene(limited, alice, tmp_path):
    path = write_scene(tmp_path / "made.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
    with uploads.begin_upload(limited, alice, path.name) as upload:
        upload.write(path.read_bytes())
        received = upload.finish()
    return scenes.register_scene(limited, alice, received)


def work_through(resources, job):
    """Do a job with the card of the shipped weights, and with their windows therefore."""
    context = WorkerContext(resources, "tester", lambda weights: BrightRoofs(card_of(resources, weights)))
    assert run_job(context, job.id) is JobState.SUCCEEDED


def test_what_is_foreseen_is_what_a_run_does_and_its_speed_is_the_next_estimates(limited, alice, bob, scene):
    west, south, east, north = scene.bounds_deg
    half = mapping(box(west, south, (west + east) / 2, north))
    before = [estimate_extraction(limited, alice, scene.id, PARAMS, aoi) for aoi in (None, half)]
    assert before[0].speed.windows_per_s == DEFAULT_WINDOWS_PER_S
    assert (before[0].speed.jobs, before[0].jobs.used, before[0].jobs.left) == (0, 0, 2)
    assert before[0].work_s == before[0].windows / DEFAULT_WINDOWS_PER_S
    ground_m2 = SIZE_PX[0] * SIZE_PX[1] * scene.gsd_m**2
    assert before[0].area_m2 == pytest.approx(ground_m2, rel=0.01)
    assert before[1].area_m2 == pytest.approx(ground_m2 / 2, rel=0.01)
    assert before[0].gsd_m == pytest.approx(0.3, rel=0.01)
    assert before[1].windows < before[0].windows
    done = []
    for aoi, foreseen in zip((None, half), before, strict=True):
        job = jobs.submit_extraction(limited, alice, scene.id, PARAMS, aoi)
        work_through(limited, job)
        done.append(jobs.get_job(limited, alice, job.id))
        assert done[-1].windows_total == foreseen.windows
    with pytest.raises(QuotaExceeded):
        estimate_extraction(limited, alice, scene.id, PARAMS)
    with pytest.raises(NotFound):
        estimate_extraction(limited, bob, scene.id, PARAMS)
    longest_s = sum((job.finished_at - job.started_at).total_seconds() for job in done)
    measured = estimate_extraction(make_free(limited), alice, scene.id, PARAMS)
    assert measured.speed.jobs == 2
    assert measured.speed.windows_per_s > sum(job.windows_total for job in done) / longest_s
    assert measured.work_s == pytest.approx(measured.windows / measured.speed.windows_per_s)


def make_free(resources):
    """The same installation without limits."""
    return replace(resources, settings=resources.settings.model_copy(update={"free_jobs_per_hour": 0}))


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_it_refuses_what_the_start_refuses_with_the_same_words(limited, alice, scene):
    elsewhere = mapping(box(-60, -10, -59.9, -9.9))
    cases = (
        (ExtractionParams(gsd_m=3.0), None, PixelSizeTooLarge),
        (PARAMS, elsewhere, AoiOutsideScene),
        (ExtractionParams(weights="none-such"), None, WeightsUnknown),
    )
    for params, aoi, kind in cases:
        words = []
        for ask in (estimate_extraction, jobs.submit_extraction):
            with pytest.raises(kind) as refusal:
                ask(limited, alice, scene.id, params, aoi)
            words.append((refusal.value.code, str(refusal.value)))
        assert words[0] == words[1]
    assert jobs.list_jobs(limited, alice) == []
