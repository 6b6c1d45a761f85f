"""Answers some networks alone, where the settings name any: HTTP and websockets, before anything else is looked at."""

import ipaddress
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from webapp.access_errors import AddressNotAllowed
from webapp.api.problems import problem_response
from webapp.settings import Settings

ADMIN_PATHS = ("/api/v1/admin", "/admin", "/metrics")
LIVENESS = ("/health", "/health/live", "/health/ready")
MOST_KEPT = 4096

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressWall:
    """Refuses addresses outside of ALLOWED_NETWORKS, and of ADMIN_NETWORKS what is for administrators.

    The address is the connection's, or what a trusted proxy says of it (`webapp.http_server.proxy_options`).
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._all = tuple(map(ipaddress.ip_network, settings.allowed_networks))
        self._admin = tuple(map(ipaddress.ip_network, settings.admin_networks))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer it."""
        if scope["type"] not in ("http", "websocket") or self._lets_in(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            error = AddressNotAllowed(address=_given(scope) or "an unknown address")
            await problem_response(error, scope["path"], Headers(scope=scope).get("accept", ""))(scope, receive, send)

    def _lets_in(self, scope: Scope) -> bool:
        if not self._all and not self._admin:
            return True
        address, path = address_of(_given(scope)), scope["path"]
        if path in LIVENESS and address is not None and address.is_loopback:
            return True  # the supervisor and monitors of this machine
        asked = [self._all] + ([self._admin] if _is_for_administrators(path) else [])
        return all(not networks or (address is not None and _is_in(address, networks)) for networks in asked)


@lru_cache(MOST_KEPT)
def address_of(text: str) -> Address | None:
    """Return an address; an IPv4 address that is written as an IPv6 one is the IPv4 one. None: it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _given(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0])[:100] if client else ""


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _is_for_administrators(path: str) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in ADMIN_PATHS)
