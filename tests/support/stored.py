"""Jobs with footprints written straight into the tables."""

from auth.principals import Principal
from models.job_states import JobState
from tests.support.footprints import part_of, squares
from tests.support.jobs import submit
from webapp.resources import Resources
from webapp.services import leases


def finished_job(resources: Resources, principal: Principal, footprints: int = 40, scene_id: str | None = None) -> str:
    """Return the id of a finished job with so many small squares."""
    claim = leases.claim(resources, submit(resources, principal, scene_id).id, "w")
    assert claim is not None
    leases.save_part(resources, claim, part_of(0, 1, squares(footprints)))
    leases.finish(resources, claim, JobState.SUCCEEDED)
    return claim.job_id
