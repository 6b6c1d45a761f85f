"""The work of an extraction: the pipeline, part by part."""

from functools import partial

from models.job_states import JobState
from processing.errors import Cancelled
from processing.params import ExtractionParams
from processing.pipeline import ExtractionPlan, extract, plan_extraction
from processing.scene import SceneInfo
from webapp.resources import Resources
from webapp.services import leases
from webapp.services.claims import Claim
from webapp.tasks.context import WorkerContext
from webapp.tasks.heartbeat import Heartbeat
from webapp.tasks.patience import patiently


def extract_scene(context: WorkerContext, claim: Claim, heart: Heartbeat) -> JobState:
    """Run the pipeline, save each part, end the job; return its state. Raises `Cancelled`, `LeaseLost`."""
    resources = context.resources
    params = ExtractionParams.from_json(dict(claim.params))
    path = resources.storage.local_path(claim.storage_key)
    detector = context.load(params.weights)
    plan = plan_extraction(SceneInfo.from_json(dict(claim.scene_info or {})), detector.card, params, claim.aoi_geojson)
    completed = leases.completed_parts(resources, claim, detector.card.weights_sha256, detector.card.name)
    _announce(resources, claim, plan, set(completed))
    results = extract(
        path, plan, detector, completed=completed, should_stop=heart.should_stop, on_window=heart.on_window
    )
    for result in results:
        beat = patiently(resources, partial(leases.save_part, resources, claim, result))
        if beat.must_stop or heart.should_stop():
            raise Cancelled()
    return patiently(resources, partial(leases.finish, resources, claim, JobState.SUCCEEDED))


def _announce(resources: Resources, claim: Claim, plan: ExtractionPlan, completed: set[int]) -> None:
    """Write the size of the work, and a line for the owner."""
    windows_before = sum(len(part.windows) for part in plan.parts if part.index in completed)
    leases.start(resources, claim, windows_before, plan.windows_total)
    info = plan.info
    facts = (
        f"{info.name}, {info.width_px} x {info.height_px} px at {info.gsd_m:.2f} m, "
        f"{plan.area_m2 / 1e6:.3f} km² in {plan.windows_total} windows"
    )
    begins = f"Resumed at part {len(completed) + 1} of {len(plan.parts)}" if completed else "Started"
    leases.report(resources, claim, "info", f"{begins}: {facts}.")
