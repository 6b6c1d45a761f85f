"""Bodies that are no upload are small; larger ones are refused before they fill the memory."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.api.problems import problem_response
from webapp.errors import RequestTooLarge

LIMIT_BYTES = 8_000_000
"""Room for a detailed region as GeoJSON."""
PUBLIC_LIMIT_BYTES = 16_384
PUBLIC_PATHS = ("/login", "/api/v1/auth/")
UPLOADS = {
    ("/api/v1/ml-processing/upload-image", "POST"),
    ("/api/v1/scenes", "PUT"),
    ("/api/v1/imports", "POST"),
    ("/api/v1/uploads", "POST"),
}
PIECES = "/api/v1/uploads/"
"""They stream, and count for themselves."""


class BodyLimit:
    """Counts what arrives, whatever the announced length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a counter around its body."""
        if scope["type"] != "http" or _counts_for_itself(scope):
            await self._app(scope, receive, send)
            return
        limit = PUBLIC_LIMIT_BYTES if scope["path"].startswith(PUBLIC_PATHS) else LIMIT_BYTES
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > limit:
            await problem_response(RequestTooLarge(limit_bytes=limit), scope["path"])(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)


def _counts_for_itself(scope: Scope) -> bool:
    path, method = scope["path"], scope["method"]
    return (path, method) in UPLOADS or (method == "PATCH" and path.startswith(PIECES))


def _counted(receive: Receive, limit: int) -> Receive:
    received = 0

    async def receive_counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            # FastAPI lets this one error through while it reads a body.
            raise HTTPException(413, f"The request is larger than the limit of {limit} bytes.")
        return message

    return receive_counted
