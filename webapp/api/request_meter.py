"""Counts and times the requests of this process, by route as it is declared: no ids, nothing that a caller makes up.

It is plain ASGI and stands outside of everything, so that refusals of the outer layers are counted, too.
"""

import time
from collections.abc import Callable, Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
FOLDERS = ("/assets/", "/static/", "/components/")
"""Files by the hundred, ours and Panel's, each folder as one."""
BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
OTHER = "other"
NO_ROUTE = "none"
"""Answered by a layer before the routes, or there is no such route."""


class HttpFigures:
    """What this process has answered since it began, and what it uses of the machine."""

    def __init__(self, open_sockets: Callable[[], float]) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self.requests = Counter(
            "footprints_http_requests",
            "Requests that were answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.duration_s = Histogram(
            "footprints_http_request_duration_seconds",
            "From the first byte of a request to the last one of its answer.",
            ("method", "route", "status"),
            registry=registry,
            buckets=BUCKETS_S,
        )
        self.in_flight = Gauge(
            "footprints_http_requests_in_flight", "Requests that are being answered.", registry=registry
        )
        sockets = Gauge("footprints_open_pages", "Pages that people have open: their websockets.", registry=registry)
        sockets.set_function(open_sockets)


class RequestMeter:
    """The outermost layer. `pages` are paths that are served beside the routes and have nothing variable in them."""

    def __init__(self, app: ASGIApp, figures: HttpFigures, pages: Collection[str]) -> None:
        self._app = app
        self._figures = figures
        self._pages = frozenset(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.perf_counter()

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._figures.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, send_noting)
            finally:
                self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, duration_s: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER
        labels = method, self._route(scope), f"{status // 100}xx"
        self._figures.requests.labels(*labels).inc()
        self._figures.duration_s.labels(*labels).observe(duration_s)

    def _route(self, scope: Scope) -> str:
        """Return the path as the application declares it; the router has left on the request what it found."""
        declared = getattr(scope.get("route"), "path_format", None)
        if isinstance(declared, str):
            return declared
        if scope["path"] in self._pages:
            return str(scope["path"])
        return next((folder for folder in FOLDERS if scope["path"].startswith(folder)), NO_ROUTE)
