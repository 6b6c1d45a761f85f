"""Estimates as the API shows them."""

from pydantic import BaseModel

from webapp.services.estimates import EstimateView

M2_PER_KM2 = 1e6
SECONDS_PER_MINUTE = 60.0


class JobsLeftOut(BaseModel):
    """Jobs that may still be begun. `limit` and `left` are null where the tier sets no limit."""

    limit: int | None
    used: int
    left: int | None
    window_s: float


class EstimateOut(BaseModel):
    """What an extraction would cover and take. `gsd_m`: what the detector would look at, of the coarser axis.

    `expected_minutes` is the work itself, without the time that the job may wait for a worker. It comes from
    `windows_per_s`, which was measured on this installation with the same weights (`speed_from` is `finished jobs`,
    `speed_jobs` says how many), or else is the `default`: what the shipped weights do on two processor cores.
    """

    scene_id: str
    area_km2: float
    gsd_m: float
    windows: int
    expected_minutes: float
    windows_per_s: float
    speed_from: str
    speed_jobs: int
    jobs: JobsLeftOut


def estimate_out(scene_id: str, found: EstimateView) -> EstimateOut:
    """Describe an estimate."""
    left = found.jobs
    return EstimateOut(
        scene_id=scene_id,
        area_km2=round(found.area_m2 / M2_PER_KM2, 6),
        gsd_m=round(found.gsd_m, 4),
        windows=found.windows,
        expected_minutes=round(found.work_s / SECONDS_PER_MINUTE, 2),
        windows_per_s=round(found.speed.windows_per_s, 3),
        speed_from="finished jobs" if found.speed.jobs else "default",
        speed_jobs=found.speed.jobs,
        jobs=JobsLeftOut(limit=left.limit, used=left.used, left=left.left, window_s=left.window_s),
    )
