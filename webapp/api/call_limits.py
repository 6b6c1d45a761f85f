"""Refuses calls beyond the limit of a tier, and tells how many are left (draft-ietf-httpapi-ratelimit-headers-10)."""

from math import ceil

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from auth.principals import Principal
from webapp.api.problems import problem_response
from webapp.call_counter import CallCounter, CallLimit, Verdict
from webapp.errors import CallLimitExceeded
from webapp.services.tiers import limits_of
from webapp.settings import Settings

COUNTED_PREFIXES = ("/api/v1/", "/ogc")
FREE_PATHS = ("/api/v1/openapi.json",)
PUBLIC_PATHS = ("/login", "/api/v1/auth/", "/api/v1/downloads/")
ASKING_PATHS = ("/login/oidc", "/api/v1/downloads/")
"""Calls that make this server ask another one, or send files to whoever has a link, count whatever their method is."""
HOUR_S, MINUTE_S = 3600, 60


class CallLimits:
    """Stands behind the gate: it knows who calls."""

    def __init__(self, app: ASGIApp, settings: Settings, counter: CallCounter) -> None:
        self._app = app
        self._settings = settings
        self._counter = counter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the call pass, or answer it with 429."""
        counted = self._limit_of(scope) if scope["type"] == "http" else None
        if counted is None:
            await self._app(scope, receive, send)
            return
        limit, who = counted
        verdict = await self._counter.count(limit, who)
        send = _telling(send, limit, verdict)
        if verdict.allowed:
            await self._app(scope, receive, send)
            return
        retry_after_s = max(1, ceil(verdict.reset_s))
        error = CallLimitExceeded(limit=limit.calls, window_s=limit.window_s, retry_after_s=retry_after_s)
        await problem_response(error, scope["path"])(scope, receive, send)

    def _limit_of(self, scope: Scope) -> tuple[CallLimit, str] | None:
        """Return which limit a call counts against, and under whose name; all keys of a person are one."""
        path, principal = scope["path"], scope.get("state", {}).get("principal")
        if isinstance(principal, Principal):
            calls = limits_of(self._settings, principal.tier).calls_per_hour
            if calls is None or not path.startswith(COUNTED_PREFIXES) or path in FREE_PATHS:
                return None
            return CallLimit("hour", calls, HOUR_S), f"person-{principal.user_id}"
        calls = self._settings.public_calls_per_minute
        if not calls or not path.startswith(PUBLIC_PATHS):
            return None
        if scope["method"] != "POST" and not path.startswith(ASKING_PATHS):
            return None
        address = scope["client"][0] if scope.get("client") else "unknown"
        return CallLimit("public", calls, MINUTE_S), f"address-{address}"


def _telling(send: Send, limit: CallLimit, verdict: Verdict) -> Send:
    policy = f'"{limit.name}";q={limit.calls};w={limit.window_s}'
    left = f'"{limit.name}";r={verdict.remaining};t={ceil(verdict.reset_s)}'

    async def send_with_limits(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["RateLimit-Policy"], headers["RateLimit"] = policy, left
        await send(message)

    return send_with_limits
