"""Exports as resources over HTTP: ask for a file, follow how it is made, download it in as many goes as it takes."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from webapp.api.answers import accepted_response, export_answer
from webapp.api.byte_ranges import ServedFile, file_response
from webapp.api.call_keys import CurrentCallKey
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.answers import FILE
from webapp.api.schemas.buildings import ExportQuery
from webapp.api.schemas.exports import ExportOut, ExportsOut
from webapp.services import export_files

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])


@router.post("", status_code=202, response_model=ExportOut)
def create_export(
    body: ExportQuery, resources: CurrentResources, principal: CurrentPrincipal, key: CurrentCallKey
) -> Response:
    """Have a file prepared of what the body means, as of now: the same fields as `GET /api/v1/buildings/export`."""
    once = key.once(body.model_dump(mode="json"), export_answer)
    view = export_files.submit_export(resources, principal, body.scope(), body.format, once)
    return accepted_response(export_answer(view), export_id=view.id)


@router.get("")
def list_exports(resources: CurrentResources, principal: CurrentPrincipal) -> ExportsOut:
    """List your exports, newest first; administrators see all."""
    return ExportsOut(exports=[ExportOut.of(view) for view in export_files.list_exports(resources, principal)])


@router.get("/{export_id}")
def get_export(export_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> ExportOut:
    """Describe one export, and how far it is."""
    return ExportOut.of(export_files.get_export(resources, principal, export_id))


@router.head("/{export_id}/file", include_in_schema=False)
@router.get("/{export_id}/file", response_class=Response, responses=FILE)
def download_export(
    export_id: str, request: Request, resources: CurrentResources, principal: CurrentPrincipal
) -> Response:
    """Download the file. `Range` and `If-Range` go on where a download broke off; the ETag is the file's SHA-256."""
    file = export_files.export_file(resources, principal, export_id)
    view = file.view
    served = ServedFile(view.filename, view.media_type, file.size_bytes, file.sha256, file.read)
    return file_response(served, request.headers, with_body=request.method != "HEAD")


@router.delete("/{export_id}", status_code=204)
def delete_export(export_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> None:
    """Delete an export and its file, also while it is being made. Deleting it again is no error."""
    export_files.delete_export(resources, principal, export_id)
