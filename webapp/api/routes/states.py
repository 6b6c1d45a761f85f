"""Jobs over all imagery of a US state."""

from fastapi import APIRouter, Response

from webapp.api.answers import accepted_response, extraction_answer
from webapp.api.call_keys import CurrentCallKey
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.routes.extraction import checked
from webapp.api.schemas.jobs import AcceptedOut
from webapp.api.schemas.states import StateIn, StateOut, StatesOut
from webapp.services import state_planning
from webapp.services.models import recommended_params
from webapp.services.state_jobs import submit_state

router = APIRouter(prefix="/api/v1/ml-processing", tags=["states"])


@router.post("/process-state", status_code=202, response_model=AcceptedOut)
def process_state(
    body: StateIn, resources: CurrentResources, principal: CurrentPrincipal, key: CurrentCallKey
) -> Response:
    """Extract the buildings of a whole state from all of your scenes that show some of it: one job, a part a scene."""
    once = key.once(body.model_dump(mode="json"), extraction_answer)
    params = recommended_params(resources, checked(body.values()))
    job = submit_state(resources, principal, body.state, params, once)
    return accepted_response(extraction_answer(job), job_id=job.id)


@router.get("/states")
def list_states(resources: CurrentResources, principal: CurrentPrincipal) -> StatesOut:
    """List the US states that can be asked for, and how many of your scenes show some of each."""
    found = state_planning.list_states(resources, principal)
    return StatesOut(states=[StateOut.model_validate(view) for view in found])
