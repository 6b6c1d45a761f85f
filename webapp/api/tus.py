"""What tus 1.0 says in headers (https://tus.io/protocols/resumable-upload): read, checked and written."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Coroutine, Mapping
from email.utils import format_datetime
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from processing.errors import ProcessingError
from webapp.api.problems import problem_response
from webapp.errors import AppError, MediaTypeNotAllowed, RequestInvalid
from webapp.services.resumable_uploads import UploadView
from webapp.upload_errors import ProtocolVersionUnknown

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
PIECE = "application/offset+octet-stream"
ALGORITHMS = ("sha256", "sha1")
METADATA_BYTES = 8192
DIGITS_MAX = 18


class TusRoute(APIRoute):
    """Refuses other versions of the protocol, and names ours in every answer, errors included."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's own handler."""
        handle = super().get_route_handler()

        async def handle_tus(request: Request) -> Response:
            try:
                given = request.headers.get("tus-resumable", VERSION)
                if given != VERSION:
                    raise ProtocolVersionUnknown(known=VERSION, given=given[:20])
                response = await handle(request)
            except (AppError, ProcessingError) as error:
                response = problem_response(error, request.url.path)
            response.headers["Tus-Resumable"] = VERSION
            if response.status_code == 412:
                response.headers["Tus-Version"] = VERSION
            return response

        return handle_tus


def number_of(headers: Mapping[str, str], name: str) -> int:
    """Return the bytes that a header tells. Raises `RequestInvalid`."""
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise RequestInvalid(detail=f"the header {name} must hold a number of bytes")
    return int(text)


def require_piece(headers: Mapping[str, str]) -> None:
    """Raise `MediaTypeNotAllowed` for a body that is no piece of a file."""
    given = headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != PIECE:
        raise MediaTypeNotAllowed(header="Content-Type", value=given[:100] or "missing", rule=f"send {PIECE}")


def metadata_of(text: str) -> dict[str, str]:
    """Return what `Upload-Metadata` says: keys, each with a value in Base64 or none. Raises `RequestInvalid`."""
    if len(text) > METADATA_BYTES:
        raise RequestInvalid(detail="Upload-Metadata is too long")
    values: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, _, packed = pair.partition(" ")
        if key in values:
            raise RequestInvalid(detail=f"Upload-Metadata names {key[:50]!r} twice")
        try:
            values[key] = base64.b64decode(packed.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise RequestInvalid(
                detail=f"the value of {key[:50]!r} in Upload-Metadata is no Base64 of UTF-8"
            ) from error
    return values


class Checksum:
    """What a piece must come to."""

    def __init__(self, text: str) -> None:
        name, _, packed = text.partition(" ")
        if name not in ALGORITHMS:
            raise RequestInvalid(detail=f"Upload-Checksum must begin with one of {', '.join(ALGORITHMS)}")
        try:
            self._expected = base64.b64decode(packed.strip(), validate=True)
        except binascii.Error as error:
            raise RequestInvalid(detail="the value of Upload-Checksum is no Base64") from error
        self._hash = hashlib.new(name, usedforsecurity=False)

    def add(self, chunk: bytes) -> None:
        """Take bytes in."""
        self._hash.update(chunk)

    @property
    def holds(self) -> bool:
        """Tell whether all that was taken in comes to it."""
        return self._hash.digest() == self._expected


def progress_headers(view: UploadView) -> dict[str, str]:
    """Return how far an upload is, until when it can be gone on with, and what has come of it."""
    headers = {"Upload-Offset": str(view.offset_bytes), "Cache-Control": "no-store"}
    if view.outcome is None:
        headers["Upload-Expires"] = format_datetime(view.expires_at, usegmt=True)
    links = [f'<{url}>; rel="related"' for url in outcome_urls(view).values()]
    if links:
        headers["Link"] = ", ".join(links)
    return headers


def outcome_urls(view: UploadView) -> dict[str, str]:
    """Return where the scene, the job or the import is."""
    places = {"scene_id": "scenes", "job_id": "jobs", "import_id": "imports"}
    return {name: f"/api/v1/{places[name]}/{value}" for name, value in (view.outcome or {}).items() if name in places}
