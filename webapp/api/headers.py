"""Security headers on every answer, the gate's refusals included."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STRICT = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
DOCS = STRICT.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
PAGE = (
    "default-src 'self'; img-src 'self' data: blob:{basemap}; connect-src 'self' {socket} blob: data:; "
    "font-src 'self' data:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'; form-action 'self'; "
    "script-src 'self' 'unsafe-inline' blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
HSTS = "max-age=31536000"


class SecurityHeaders:
    """Adds what an answer does not say by itself. `pages` are the paths that Panel serves."""

    def __init__(self, app: ASGIApp, pages: Collection[str], basemap_url_template: str = "") -> None:
        self._app = app
        self._pages = frozenset(pages)
        basemap = urlsplit(basemap_url_template)
        self._basemap = f" {basemap.scheme}://{basemap.netloc}" if basemap.netloc else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(scope, MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _complete(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in ALWAYS.items():
            headers[name] = value
        if scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = HSTS
        headers.setdefault("Content-Security-Policy", self._policy(scope))
        headers.setdefault("Cache-Control", "private, no-store")
        del headers["server"]

    def _policy(self, scope: Scope) -> str:
        if scope["path"].rstrip("/") not in self._pages and scope["path"] not in self._pages:
            return STRICT
        scheme = "wss" if scope["scheme"] == "https" else "ws"
        host = "".join(c for c in Headers(scope=scope).get("host", "") if c.isalnum() or c in ".-:[]")
        return PAGE.format(basemap=self._basemap, socket=f"{scheme}://{host}")
