"""The shipped weights on a real scene, through the whole engine: the rows are what the pipeline alone gives."""

from pathlib import Path

import pandas as pd
import pytest
import rasterio
import shapely
from rasterio.windows import Window

from models.job_states import JobState
from processing.detector.registry import WEIGHTS_FOLDER, load_detector
from processing.params import ExtractionParams
from processing.pipeline import extract, plan_extraction
from webapp.services import footprints, jobs, scenes, uploads
from webapp.services.footprints import FootprintQuery
from webapp.tasks.context import WorkerContext
from webapp.tasks.jobs import run_job

SCENE = Path(__file__).resolve().parents[4] / "shared" / "data" / "scenes" / "zanzibar.tif"
PARAMS = ExtractionParams(min_confidence=0.2)


@pytest.fixture(scope="module")
def crop(tmp_path_factory):
    if not SCENE.is_file():
        pytest.skip("needs ../shared/data/scenes/zanzibar.tif")
    path = tmp_path_factory.mktemp("crop") / "crop.tif"
    window = Window(1400, 600, 900, 700)
    with rasterio.open(SCENE) as scene:
        profile = scene.profile | {"width": 900, "height": 700, "transform": scene.window_transform(window)}
        with rasterio.open(path, "w", **profile) as file:
            file.write(scene.read(window=window))
    return path


@pytest.mark.skipif(not (WEIGHTS_FOLDER / "default.onnx").is_file(), reason="the weights are not installed")
def test_the_rows_of_a_job_are_the_footprints_of_the_pipeline(resources, alice, crop):
    with uploads.begin_upload(resources, alice, "zanzibar.tif") as upload:
        upload.write(crop.read_bytes())
        received = upload.finish()
    scene = scenes.register_scene(resources, alice, received)
    job = jobs.submit_extraction(resources, alice, scene.id, PARAMS)
    detector = load_detector()
    assert run_job(WorkerContext(resources, "tester", lambda weights: detector), job.id) is JobState.SUCCEEDED

    info = scenes.get_scene_info(resources, alice, scene.id)
    results = extract(crop, plan_extraction(info, detector.card, PARAMS), detector)
    alone = pd.concat([result.footprints for result in results], ignore_index=True)
    kept = footprints.list_footprints(resources, alice, FootprintQuery(job_id=job.id), limit=10_000)
    assert len(kept) == len(alone) > 0
    assert kept.footprint_key.tolist() == alone.footprint_key.tolist()
    assert (shapely.to_wkb(kept.geometry.values) == shapely.to_wkb(alone.geometry.values)).all()
    assert kept.area_m2.tolist() == alone.area_m2.tolist()
