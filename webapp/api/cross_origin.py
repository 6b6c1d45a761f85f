"""Pages of other sites that may use the API: exactly those whose origins the settings list, and never with a cookie."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webapp.api.origin import OwnNames
from webapp.settings import Settings

PREFIXES = ("/api/v1/", "/tiles/", "/ogc")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = (
    *("Authorization", "X-API-Key", "Content-Type", "X-Request-ID", "Idempotency-Key", "Prefer"),
    *("If-Match", "If-None-Match", "If-Range", "Range"),
)
READABLE = (
    *("RateLimit", "RateLimit-Policy", "Retry-After", "ETag", "Link", "Location", "X-Request-ID"),
    *("Content-Disposition", "Content-Range", "Accept-Ranges", "Content-Digest", "Repr-Digest", "WWW-Authenticate"),
)
PREFLIGHT_KEPT_S = 600


class CrossOrigin:
    """The only layer that says `Access-Control-…`: what the ones behind it say is taken off.

    Other origins get no such header, whether they ask first or not; a browser keeps the answer from them then.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._plain = _Silent(app)
        self._listed = frozenset(settings.cors_origins)
        self._names = OwnNames(settings)
        self._shared = CORSMiddleware(
            self._plain,
            allow_origins=settings.cors_origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=READABLE,
            max_age=PREFLIGHT_KEPT_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell the browser who may read the answer."""
        if scope["type"] != "http" or not self._listed or not scope["path"].startswith(PREFIXES):
            await self._plain(scope, receive, send)
            return
        if Headers(scope=scope).get("origin") in self._listed and not self._names.is_own_origin(scope):
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]
            await self._shared(scope, receive, send)
            return

        async def send_varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).add_vary_header("Origin")
            await send(message)

        await self._plain(scope, receive, send_varying)


class _Silent:
    """Takes off what inner layers say about other origins, as Bokeh does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_silently(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = message.get("headers", ())
                message["headers"] = [pair for pair in said if not pair[0].lower().startswith(b"access-control-")]
            await send(message)

        await self._app(scope, receive, send_silently)
