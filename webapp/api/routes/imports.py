"""Imports of existing footprints over HTTP."""

from fastapi import APIRouter, Request, Response

from webapp.api.answers import accepted_response, import_answer
from webapp.api.call_keys import CurrentCallKey, asked_with_file
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.receiving import check_in_thread, in_thread, received_form
from webapp.api.schemas.imports import ImportOut, ImportsOut, import_out
from webapp.services import imports
from webapp.services.imports import ImportOptions

router = APIRouter(prefix="/api/v1/imports", tags=["imports"])
FIELDS = ("crs", "layer", "confidence_column", "source_id_column", "source_name_column")
_PROPERTIES = {"file": {"type": "string", "format": "binary"}} | {name: {"type": "string"} for name in FIELDS}
_SCHEMA = {"type": "object", "required": ["file"], "properties": _PROPERTIES, "additionalProperties": False}
FORM = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _SCHEMA}}}}


@router.post("", status_code=202, response_model=ImportOut, openapi_extra=FORM)
async def create_import(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, key: CurrentCallKey
) -> Response:
    """Send a file of footprints: GeoParquet, GeoJSON, FlatGeobuf, GeoPackage or a ZIP with a Shapefile.

    Every row is checked before the answer, whose `report` says what will become of it.
    """
    form = received_form(request, resources, principal, frozenset(FIELDS))
    async with key.held(), form as (received, fields):
        once = await in_thread(key.once, asked_with_file(received, fields), import_answer)
        options = ImportOptions(**{name: value for name, value in fields.items() if value})
        found = await check_in_thread(imports.submit_import, resources, principal, received, options, once)
    return accepted_response(import_answer(found), job_id=found.job.id)


@router.get("")
def list_imports(resources: CurrentResources, principal: CurrentPrincipal) -> ImportsOut:
    """List your imports, newest first; administrators see all."""
    return ImportsOut(imports=[import_out(found) for found in imports.list_imports(resources, principal)])


@router.get("/{import_id}")
def get_import(import_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> ImportOut:
    """Describe an import, with the report of what became of each row."""
    return import_out(imports.get_import(resources, principal, import_id))


@router.delete("/{import_id}", status_code=204)
def delete_import(import_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> None:
    """Remove a finished import with its footprints and its file."""
    imports.delete_import(resources, principal, import_id)
