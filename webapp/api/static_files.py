"""Scripts and styles, compressed once and kept: Panel serves megabytes of them without either."""

import gzip
from collections import OrderedDict
from dataclasses import dataclass, field

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIXES = ("/static/", "/components/", "/assets/", "/docs/")
PUBLIC_PREFIX = "/assets/"
COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/wasm")
SMALLEST_BYTES = 1024
LARGEST_BYTES = 32_000_000
MOST_KEPT_BYTES = 64_000_000
UNCHANGING_S = 31_536_000
CHANGING_S = 3600


@dataclass
class _Answer:
    """An answer that is held back until it is whole."""

    start: Message = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class StaticFiles:
    """Adds gzip and caching to GET answers below a few prefixes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(PREFIXES):
            await self._app(scope, receive, send)
            return
        answer = _Answer()

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.start = message
                return
            answer.body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._release(scope, answer, send)

        await self._app(scope, receive, hold)

    async def _release(self, scope: Scope, answer: _Answer, send: Send) -> None:
        headers = MutableHeaders(scope=answer.start)
        body = bytes(answer.body)
        if answer.start["status"] in (200, 304):
            headers["Cache-Control"] = _caching(scope)
            headers.add_vary_header("Accept-Encoding")
        if answer.start["status"] == 200 and _wants_gzip(scope, headers, len(body)):
            body = await self._compressed(scope["path"], body)
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(body))
            if "etag" in headers:
                headers["ETag"] = f"W/{headers['etag'].removeprefix('W/')}"
        await send(answer.start)
        await send({"type": "http.response.body", "body": body})

    async def _compressed(self, path: str, body: bytes) -> bytes:
        key = path, hash(body)
        if key not in self._kept:
            self._kept[key] = await anyio.to_thread.run_sync(gzip.compress, body, 6)
            while sum(map(len, self._kept.values())) > MOST_KEPT_BYTES and len(self._kept) > 1:
                self._kept.popitem(last=False)
        return self._kept[key]


def _wants_gzip(scope: Scope, headers: Headers, size: int) -> bool:
    accepted = Headers(scope=scope).get("accept-encoding", "")
    media_type = headers.get("content-type", "")
    fits = SMALLEST_BYTES <= size <= LARGEST_BYTES and "content-encoding" not in headers
    return fits and "gzip" in accepted and media_type.startswith(COMPRESSIBLE)


def _caching(scope: Scope) -> str:
    """Panel and Bokeh put a version into the addresses of their files; those never change."""
    versioned = b"v=" in scope.get("query_string", b"")
    reach = "public" if scope["path"].startswith(PUBLIC_PREFIX) else "private"
    return f"{reach}, max-age={UNCHANGING_S}, immutable" if versioned else f"{reach}, max-age={CHANGING_S}"
