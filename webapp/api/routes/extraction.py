"""Extraction jobs: by sending a file, or on a scene that is there already."""

import math
import re
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request, Response

from processing.errors import ParameterInvalid, ProcessingError
from processing.regularization.parameters import FLAT_PREFIX, METHODS, RANGES
from webapp.api.answers import accepted_response, extraction_answer
from webapp.api.call_keys import CurrentCallKey, asked_with_file
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.receiving import check_in_thread, in_thread, received_form
from webapp.api.schemas.estimates import EstimateOut, estimate_out
from webapp.api.schemas.jobs import AcceptedOut, ExtractIn, MessageOut, TaskStatusOut, task_status
from webapp.errors import QuotaExceeded
from webapp.idempotency_errors import IdempotencyKeyInFlight
from webapp.services import estimates, jobs, quotas, scenes, tiles
from webapp.services.idempotency import AlreadyAnswered
from webapp.services.models import recommended_params

router = APIRouter(prefix="/api/v1/ml-processing", tags=["extraction"])
TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
METHOD = FLAT_PREFIX + "method"
REGULARIZATION_NUMBERS = tuple(FLAT_PREFIX + name for name, _, _ in RANGES)
NUMBERS = ("min_confidence", "gsd_m")
FIELDS = frozenset((*NUMBERS, "regularize", METHOD, *REGULARIZATION_NUMBERS, "weights"))
WEIGHTS_NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,255}")
_PROPERTIES = {
    "file": {"type": "string", "format": "binary"},
    "min_confidence": {"type": "number"},
    "gsd_m": {"type": "number"},
    "regularize": {"type": "boolean"},
    "weights": {"type": "string"},
    METHOD: {"type": "string", "enum": list(METHODS)},
} | {
    FLAT_PREFIX + name: {"type": "number", "minimum": low, "maximum": high} for name, low, high in RANGES
}
_SCHEMA = {"type": "object", "required": ["file"], "properties": _PROPERTIES, "additionalProperties": False}
FORM = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _SCHEMA}}}}


@router.post("/upload-image", status_code=202, response_model=AcceptedOut, openapi_extra=FORM)
async def upload_image(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    key: CurrentCallKey,
    later: BackgroundTasks,
) -> Response:
    """Send a GeoTIFF and have its buildings extracted."""
    async with key.held() as is_new:
        if is_new:
            await in_thread(quotas.require_some, resources, principal, "jobs")
        async with received_form(request, resources, principal, FIELDS) as (received, fields):
            once = await in_thread(key.once, asked_with_file(received, fields), extraction_answer)
            params = await in_thread(recommended_params, resources, values_of(fields))
            scene = await check_in_thread(scenes.register_scene, resources, principal, received)
        try:
            job = await in_thread(jobs.submit_extraction, resources, principal, scene.id, params, None, once)
        except (ProcessingError, QuotaExceeded, AlreadyAnswered, IdempotencyKeyInFlight):
            # Such as a scene that the weights cannot work on: a refused request leaves nothing.
            await in_thread(scenes.delete_scene, resources, principal, scene.id)
            raise
    later.add_task(tiles.prepare_scene, resources, principal, scene.id)
    return accepted_response(extraction_answer(job), job_id=job.id)


@router.post("/extract-buildings", status_code=202, response_model=AcceptedOut)
def extract_buildings(
    body: ExtractIn, resources: CurrentResources, principal: CurrentPrincipal, key: CurrentCallKey
) -> Response:
    """Extract the buildings of a scene, or of a region of it."""
    once = key.once(body.model_dump(mode="json"), extraction_answer)
    params = recommended_params(resources, checked(body.parameters))
    job = jobs.submit_extraction(resources, principal, body.scene_id, params, body.aoi, once)
    return accepted_response(extraction_answer(job), job_id=job.id)


@router.post("/estimate")
def estimate_extraction(body: ExtractIn, resources: CurrentResources, principal: CurrentPrincipal) -> EstimateOut:
    """Tell what `extract-buildings` with the same body would cover and take; it is refused as that would be.

    Nothing is made, and nothing is spent.
    """
    params = recommended_params(resources, checked(body.parameters))
    found = estimates.estimate_extraction(resources, principal, body.scene_id, params, body.aoi)
    return estimate_out(body.scene_id, found)


@router.get("/task-status/{task_id}")
def get_task_status(task_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> TaskStatusOut:
    """Tell how far a job is."""
    job = jobs.get_job(resources, principal, task_id)
    lines = jobs.job_messages(resources, principal, task_id)
    return task_status(job, [MessageOut.model_validate(line) for line in lines])


def values_of(fields: dict[str, str]) -> dict[str, Any]:
    """Build parameters from form fields. Raises `ParameterInvalid`."""
    values: dict[str, Any] = {name: _number(name, fields[name]) for name in NUMBERS if fields.get(name)}
    if fields.get("regularize"):
        text = fields["regularize"].lower()
        if text not in TRUTHS:
            raise ParameterInvalid(parameter="regularize", value=text, rule="it must be true or false")
        values["regularize"] = TRUTHS[text]
    if fields.get("weights"):
        values["weights"] = fields["weights"]
    chosen = [name for name in REGULARIZATION_NUMBERS if fields.get(name)]
    regularization: dict[str, Any] = {name: _number(name, fields[name]) for name in chosen}
    if fields.get(METHOD):
        regularization[METHOD] = fields[METHOD]
    if regularization:
        values["regularization"] = {name.removeprefix(FLAT_PREFIX): value for name, value in regularization.items()}
    return checked(values)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ParameterInvalid(parameter=name, value=text, rule="it must be a number") from error
    if not math.isfinite(value):
        raise ParameterInvalid(parameter=name, value=text, rule="it must be a finite number")
    return value


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """Refuse values of the wrong type, which the core's ranges would stumble over."""
    kinds: dict[str, tuple[type, ...]] = {
        "min_confidence": (int, float),
        "window_px": (int,),
        "gsd_m": (int, float, type(None)),
        "min_area_m2": (int, float),
        "regularize": (bool,),
        "regularization": (dict,),
        "weights": (str,),
    }
    for name, value in values.items():
        if name not in kinds:
            continue  # the core names it
        wrong_bool = isinstance(value, bool) and bool not in kinds[name]
        if wrong_bool or not isinstance(value, kinds[name]):
            rule = f"it must be of type {' or '.join(kind.__name__ for kind in kinds[name])}"
            raise ParameterInvalid(parameter=name, value=str(value)[:100], rule=rule)
    if not WEIGHTS_NAMES.fullmatch(values.get("weights", "default")):
        # A path is for the local user's command line only.
        raise ParameterInvalid(parameter="weights", value=values["weights"][:100], rule="it must be a name, or a+b")
    return values
