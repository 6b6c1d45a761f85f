"""A scene with a finished job and footprints, made by the real steps with a detector that sees bright roofs."""

from dataclasses import dataclass
from pathlib import Path

from auth.principals import Principal
from models.job_states import JobState
from processing.detector.protocol import DetectorCard
from processing.params import ExtractionParams
from tests.processing.bright_roofs import BrightRoofs
from tests.support.rasters import grid_of_rectangles, write_scene
from webapp.resources import Resources
from webapp.services import jobs, scenes, uploads
from webapp.services.index_feeding import feed_indexes
from webapp.tasks.context import WorkerContext
from webapp.tasks.jobs import run_job as run_as_worker

SIZE_PX = (400, 500)
CARD = DetectorCard(
    name="small", window_px=128, stride_px=64, gsd_min_m=0.05, gsd_max_m=1.5, gsd_working_m=0.3, weights_sha256="a" * 64
)


@dataclass(frozen=True)
class Result:
    scene_id: str
    job_id: str
    footprint_count: int
    bounds_deg: tuple[float, float, float, float]


def run_job(resources: Resources, job_id: str) -> JobState | None:
    """Do what a worker does with a job."""
    return run_as_worker(WorkerContext(resources, "tester", lambda weights: BrightRoofs(CARD), lambda: False), job_id)


def make_result(resources: Resources, principal: Principal, folder: Path) -> Result:
    rectangles = grid_of_rectangles(SIZE_PX)
    path = write_scene(folder / f"made-{principal.username}.tif", SIZE_PX, rectangles)
    with uploads.begin_upload(resources, principal, path.name) as upload:
        upload.write(path.read_bytes())
        received = upload.finish()
    scene = scenes.register_scene(resources, principal, received)
    job = jobs.submit_extraction(resources, principal, scene.id, ExtractionParams(window_px=256))
    assert run_job(resources, job.id) is JobState.SUCCEEDED
    feed_indexes(resources)
    return Result(scene.id, job.id, len(rectangles), scene.bounds_deg)
