"""Files in pieces, by the protocol tus 1.0: an upload goes on where it broke off."""

import time

import anyio
from fastapi import APIRouter, BackgroundTasks, Request, Response

from auth.principals import Principal
from models.upload import UploadPurpose, UploadState
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.receiving import announced_bytes, check_in_thread, in_thread
from webapp.api.resumable_body import receive_piece
from webapp.api.routes import extraction, imports
from webapp.api.schemas.uploads import UploadOut, upload_out
from webapp.api.tus import (
    ALGORITHMS,
    EXTENSIONS,
    PIECE,
    VERSION,
    Checksum,
    TusRoute,
    metadata_of,
    number_of,
    progress_headers,
    require_piece,
)
from webapp.errors import RequestInvalid, UploadTooLarge
from webapp.resources import Resources
from webapp.services import resumable_uploads, tiles, upload_finishing
from webapp.services.models import recommended_params
from webapp.services.resumable_uploads import UploadView, UploadWish, UploadWriter
from webapp.services.tiers import limits_of
from webapp.upload_errors import UploadBusy, UploadClosed

router = APIRouter(prefix="/api/v1/uploads", tags=["uploads"], route_class=TusRoute)
TAKEOVER_S, STEP_S = 4.0, 0.2
NAMES = ("filename", "name")
SAID_BY_CLIENTS = {*NAMES, "filetype", "type", "contentType", "relativePath", "purpose"}
BODY = {"requestBody": {"content": {PIECE: {"schema": {"type": "string", "format": "binary"}}}}}


@router.options("", status_code=204, include_in_schema=False)
def describe_protocol(resources: CurrentResources, principal: CurrentPrincipal) -> Response:
    """Tell what of tus is understood, and how large a file may be."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(limits_of(resources.settings, principal.tier).upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@router.post("", status_code=201, response_class=Response, openapi_extra=BODY)
async def create_upload(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, later: BackgroundTasks
) -> Response:
    """Begin an upload of `Upload-Length` bytes.

    `Upload-Metadata` holds `filename`, `purpose` (`scene`, the default, `extraction` or `import`) and the fields that
    `upload-image` or `imports` take. A body of `application/offset+octet-stream` is the first piece.
    """
    wish = await in_thread(_wish_of, request, resources)
    view = await in_thread(resumable_uploads.create_upload, resources, principal, wish)
    if request.headers.get("content-type", "").startswith(PIECE):
        view = await _receive(request, resources, principal, view, later)
    return Response(status_code=201, headers=progress_headers(view) | {"Location": f"{router.prefix}/{view.id}"})


@router.head("/{upload_id}", status_code=200, include_in_schema=False)
async def find_offset(upload_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> Response:
    """Tell in `Upload-Offset` where to go on. A file that is whole, but was not judged yet, is judged now."""
    view = await in_thread(resumable_uploads.get_upload, resources, principal, upload_id)
    if view.is_whole:
        view = await check_in_thread(upload_finishing.finish_if_whole, resources, principal, upload_id)
    if view.state is UploadState.REFUSED:
        raise UploadClosed(name=view.name, state=str(view.state))
    return Response(headers=progress_headers(view) | {"Upload-Length": str(view.length_bytes)})


@router.get("/{upload_id}")
def get_upload(upload_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> UploadOut:
    """Describe an upload of yours, and what came of it."""
    return upload_out(resumable_uploads.get_upload(resources, principal, upload_id))


@router.patch("/{upload_id}", status_code=204, openapi_extra=BODY)
async def add_piece(
    upload_id: str,
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    later: BackgroundTasks,
) -> Response:
    """Add a piece at `Upload-Offset`. The last one is answered once the file is checked and kept, or refused."""
    view = await in_thread(resumable_uploads.get_upload, resources, principal, upload_id)
    require_piece(request.headers)
    view = await _receive(request, resources, principal, view, later)
    return Response(status_code=204, headers=progress_headers(view))


@router.delete("/{upload_id}", status_code=204)
def delete_upload(upload_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> None:
    """Give an upload up. A scene or an import that has come of it stays."""
    resumable_uploads.delete_upload(resources, principal, upload_id)


async def _receive(
    request: Request, resources: Resources, principal: Principal, view: UploadView, later: BackgroundTasks
) -> UploadView:
    """Write the body; where it was the last piece, make of the file what it is for."""
    offset_bytes = 0 if request.method == "POST" else number_of(request.headers, "upload-offset")
    announced = announced_bytes(request)
    if announced is not None and offset_bytes + announced > view.length_bytes:
        raise UploadTooLarge(name=view.name, limit_bytes=view.length_bytes)
    given = request.headers.get("upload-checksum")
    checksum = Checksum(given) if given else None
    writer = await _writer(resources, principal, view, offset_bytes, checksum is None)
    try:
        await receive_piece(request, writer, checksum)
        view = await check_in_thread(upload_finishing.finish, resources, principal, view.id, writer.part)
    finally:
        writer.close()
    scene_id = (view.outcome or {}).get("scene_id")
    if scene_id is not None:
        later.add_task(tiles.prepare_scene, resources, principal, scene_id)
    return view


async def _writer(
    resources: Resources, principal: Principal, view: UploadView, offset_bytes: int, marks: bool
) -> UploadWriter:
    """Open the upload; wait a little for a connection that has gone without a word to be given up."""
    until_s = time.monotonic() + TAKEOVER_S
    while True:
        try:
            return await in_thread(resumable_uploads.open_writer, resources, principal, view.id, offset_bytes, marks)
        except UploadBusy:
            if time.monotonic() > until_s:
                raise
        await anyio.sleep(STEP_S)


def _wish_of(request: Request, resources: Resources) -> UploadWish:
    length_bytes = number_of(request.headers, "upload-length")
    said = metadata_of(request.headers.get("upload-metadata", ""))
    name = next((said[key] for key in NAMES if said.get(key)), "")
    if not name:
        raise RequestInvalid(detail="Upload-Metadata must hold a filename")
    try:
        purpose = UploadPurpose(said.get("purpose", "scene"))
    except ValueError as error:
        raise RequestInvalid(detail=f"purpose must be one of {', '.join(UploadPurpose)}") from error
    fields = {key: value for key, value in said.items() if key not in SAID_BY_CLIENTS}
    allowed = {UploadPurpose.IMPORT: imports.FIELDS, UploadPurpose.EXTRACTION: extraction.FIELDS}.get(purpose, ())
    for key in fields:
        if key not in allowed:
            raise RequestInvalid(detail=f"Upload-Metadata names {key[:50]!r}, which a {purpose} does not know")
    if purpose is UploadPurpose.EXTRACTION:
        return UploadWish(
            purpose, name, length_bytes, recommended_params(resources, extraction.values_of(fields)).to_json()
        )
    return UploadWish(purpose, name, length_bytes, {key: value for key, value in fields.items() if value})
