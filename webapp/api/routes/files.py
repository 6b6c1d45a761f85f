"""Uploaded files over HTTP. They are sent as scenes and imports."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from webapp.api.byte_ranges import ServedFile, file_response
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.answers import FILE
from webapp.api.schemas.files import FileOut, FilesOut, FilesQuery
from webapp.services import files

router = APIRouter(prefix="/api/v1/files", tags=["files"])


@router.get("")
def list_files(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[FilesQuery, Query()]
) -> FilesOut:
    """List the files that you sent, newest first; administrators see all."""
    found = files.list_files(resources, principal, query.limit, query.before)
    next_before = found[-1].id if len(found) == query.limit else None
    return FilesOut(files=[FileOut.model_validate(view) for view in found], next_before=next_before)


@router.head("/{file_id}", include_in_schema=False)
@router.get("/{file_id}", response_class=Response, responses=FILE)
def download_file(file_id: str, request: Request, resources: CurrentResources, principal: CurrentPrincipal) -> Response:
    """Download a file. `Range` and `If-Range` go on where a download broke off; the ETag is the file's SHA-256."""
    found = files.open_file(resources, principal, file_id)
    view = found.view
    served = ServedFile(view.filename, view.media_type, view.size_bytes, view.sha256, found.read)
    return file_response(served, request.headers, with_body=request.method != "HEAD")


@router.delete("/{file_id}", status_code=204)
def delete_file(file_id: str, resources: CurrentResources, principal: CurrentPrincipal) -> None:
    """Remove a file with the scene or the import that it was sent for, and the footprints that came of it."""
    files.delete_file(resources, principal, file_id)
