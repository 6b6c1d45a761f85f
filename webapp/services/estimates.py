"""What an extraction would cost, before it is asked for: the same checks as at its start, and nothing is spent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auth.principals import SYSTEM, Principal
from models.queries import jobs as job_queries
from models.queries import scenes as queries
from processing.params import ExtractionParams
from processing.pipeline import plan_extraction
from processing.scene import SceneInfo
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services.models import card_of
from webapp.services.quotas import QuotaView, quota_views, require_some

DEFAULT_WINDOWS_PER_S = 2.81
"""Of the shipped weights on two processor cores: `ours`, *working*, in benchmarks/RESULTS.md."""
MEASURED_JOBS = 20


@dataclass(frozen=True, slots=True)
class SpeedView:
    """How fast windows are done. `jobs`: of how many finished jobs that is the mean; 0: it is the default."""

    windows_per_s: float
    jobs: int


@dataclass(frozen=True, slots=True)
class EstimateView:
    """What an extraction would cover and take. `gsd_m` is the one that the detector would look at.

    `work_s` is the time of the work itself; how long a job waits for a worker is not known.
    """

    area_m2: float
    gsd_m: float
    windows: int
    work_s: float
    speed: SpeedView
    jobs: QuotaView


def estimate_extraction(
    resources: Resources,
    principal: Principal,
    scene_id: str,
    params: ExtractionParams,
    aoi_geojson: Mapping[str, Any] | None = None,
) -> EstimateView:
    """Tell what `jobs.submit_extraction` would begin, and raise what it would raise."""
    card = card_of(resources, params.weights)
    require_some(resources, principal, "jobs")
    with resources.database.read(principal) as session:
        row = queries.find_scene(session, scene_id, principal.owner_filter)
        if row is None:
            raise NotFound(kind="scene", id=scene_id)
        info = SceneInfo.from_json(row[0].info)
    plan = plan_extraction(info, card, params, aoi_geojson)
    speed = speed_of(resources, card.weights_sha256)
    jobs_left = next(view for view in quota_views(resources, principal) if view.kind == "jobs")
    gsd_m = max(plan.grid.x.gsd_m, plan.grid.y.gsd_m)
    work_s = plan.windows_total / speed.windows_per_s
    return EstimateView(plan.area_m2, gsd_m, plan.windows_total, work_s, speed, jobs_left)


def speed_of(resources: Resources, weights_sha256: str) -> SpeedView:
    """Return how fast the newest finished jobs with these weights were here, or else the default."""
    with resources.database.read(SYSTEM) as session:
        windows, work_s, jobs = job_queries.speed_of(session, weights_sha256, MEASURED_JOBS)
    return SpeedView(windows / work_s, jobs) if work_s > 0 else SpeedView(DEFAULT_WINDOWS_PER_S, 0)
