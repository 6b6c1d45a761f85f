"""The collections of OGC API Features: all buildings that a person may see, and those of each of their jobs."""

from dataclasses import dataclass

from auth.principals import Principal
from processing.errors import FootprintIndexDamaged
from webapp.errors import IndexNotReady, NotFound
from webapp.resources import Resources
from webapp.services import footprint_maps, jobs
from webapp.services.footprint_maps import BoundsDeg, MapQuery
from webapp.services.footprints import FootprintQuery
from webapp.services.views import JobView

ALL_ID = "buildings"
JOB_PREFIX = "job-"
JOBS_LISTED, JOBS_LOOKED_AT = 20, 200


@dataclass(frozen=True, slots=True)
class FeatureCollection:
    """Some footprints under a name. `extent_deg`: west, south, east, north; None: not known, or nothing there."""

    id: str
    title: str
    description: str
    job_id: str | None
    extent_deg: BoundsDeg | None


def list_collections(resources: Resources, principal: Principal) -> list[FeatureCollection]:
    """Return all buildings, and the newest jobs that found some; older jobs are there by their address."""
    found = [view for view in jobs.list_jobs(resources, principal, JOBS_LOOKED_AT) if view.footprint_count]
    return [_everything(resources, principal), *(_of_job(resources, principal, view) for view in found[:JOBS_LISTED])]


def get_collection(resources: Resources, principal: Principal, collection_id: str) -> FeatureCollection:
    """Return one collection. Raises `NotFound`."""
    job_id = job_of(collection_id)
    if job_id is None:
        return _everything(resources, principal)
    return _of_job(resources, principal, _job(resources, principal, collection_id, job_id))


def job_of(collection_id: str) -> str | None:
    """Return the job of a collection, None for all buildings. Raises `NotFound` for what can be neither."""
    if collection_id == ALL_ID:
        return None
    if not collection_id.startswith(JOB_PREFIX):
        raise NotFound(kind="collection", id=collection_id[:100])
    return collection_id.removeprefix(JOB_PREFIX)


def require_collection(resources: Resources, principal: Principal, collection_id: str) -> str | None:
    """Return the job of a collection that the person may see, None for all buildings. Raises `NotFound`."""
    job_id = job_of(collection_id)
    if job_id is not None:
        _job(resources, principal, collection_id, job_id)
    return job_id


def _job(resources: Resources, principal: Principal, collection_id: str, job_id: str) -> JobView:
    try:
        return jobs.get_job(resources, principal, job_id)
    except NotFound as error:
        raise NotFound(kind="collection", id=collection_id[:100]) from error


def _everything(resources: Resources, principal: Principal) -> FeatureCollection:
    description = "All building footprints that you may see"
    return FeatureCollection(ALL_ID, "Buildings", description, None, _extent(resources, principal, None))


def _of_job(resources: Resources, principal: Principal, job: JobView) -> FeatureCollection:
    title = f"{job.source}, {job.created_at:%Y-%m-%d %H:%M}"
    source = "imported from" if job.is_import else "extracted from"
    description = f"Building footprints {source} {job.source} by {job.owner}"
    return FeatureCollection(JOB_PREFIX + job.id, title, description, job.id, _extent(resources, principal, job.id))


def _extent(resources: Resources, principal: Principal, job_id: str | None) -> BoundsDeg | None:
    """Return what the footprint index knows; a collection without an extent is better than none."""
    try:
        return footprint_maps.bounds_deg(resources, principal, MapQuery(FootprintQuery(job_id=job_id)))
    except (IndexNotReady, FootprintIndexDamaged):
        return None
