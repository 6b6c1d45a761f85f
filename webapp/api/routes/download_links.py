"""Signed links over HTTP: giving one file away, and fetching it without signing in."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import Response

from webapp.api.byte_ranges import ServedFile, file_response
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.answers import FILE
from webapp.api.schemas.download_links import DownloadLinkIn, DownloadLinkOut
from webapp.services import download_links
from webapp.services.download_links import LinkedKind, NewLink

router = APIRouter(prefix="/api/v1", tags=["downloads"])
LinkBody = Annotated[DownloadLinkIn, Body(default_factory=DownloadLinkIn)]
Signature = Annotated[str, Query(max_length=2048)]


@router.post("/exports/{export_id}/link", status_code=201)
def link_export(
    export_id: str, request: Request, resources: CurrentResources, principal: CurrentPrincipal, body: LinkBody
) -> DownloadLinkOut:
    """Make a link with which the file can be downloaded without signing in."""
    made = download_links.make_link(resources, principal, LinkedKind.EXPORT, export_id, body.expires_in_minutes)
    return _out(request, made)


@router.post("/files/{file_id}/link", status_code=201)
def link_file(
    file_id: str, request: Request, resources: CurrentResources, principal: CurrentPrincipal, body: LinkBody
) -> DownloadLinkOut:
    """Make a link with which the file can be downloaded without signing in."""
    made = download_links.make_link(resources, principal, LinkedKind.FILE, file_id, body.expires_in_minutes)
    return _out(request, made)


@router.head("/downloads/export/{export_id}", include_in_schema=False)
@router.get("/downloads/export/{export_id}", response_class=Response, responses=FILE)
def download_linked_export(
    export_id: str, request: Request, resources: CurrentResources, signature: Signature = ""
) -> Response:
    """Download the export that a link leads to; ranges and ETag as without a link."""
    file = download_links.linked_export(resources, export_id, signature)
    view = file.view
    served = ServedFile(view.filename, view.media_type, file.size_bytes, file.sha256, file.read)
    return file_response(served, request.headers, with_body=request.method != "HEAD")


@router.head("/downloads/file/{file_id}", include_in_schema=False)
@router.get("/downloads/file/{file_id}", response_class=Response, responses=FILE)
def download_linked_file(
    file_id: str, request: Request, resources: CurrentResources, signature: Signature = ""
) -> Response:
    """Download the uploaded file that a link leads to; ranges and ETag as without a link."""
    found = download_links.linked_file(resources, file_id, signature)
    view = found.view
    served = ServedFile(view.filename, view.media_type, view.size_bytes, view.sha256, found.read)
    return file_response(served, request.headers, with_body=request.method != "HEAD")


def _out(request: Request, made: NewLink) -> DownloadLinkOut:
    """The name of this server is the one that it was called by; the gate knows it to be ours."""
    base = request.app.state.resources.settings.public_url or str(request.base_url)
    return DownloadLinkOut(url=base.rstrip("/") + made.path, expires_at=made.expires_at)
