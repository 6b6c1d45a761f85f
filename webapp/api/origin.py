"""Which names this server answers to, and whether a request comes from its own pages."""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from webapp.settings import Settings

DEFAULT_PORTS = {"http": 80, "https": 443}
ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<netloc>[^/?#@\\\s]+)")
SCHEMES = {"ws": "http", "wss": "https"}


class OwnNames:
    """The hosts and origins that are ours."""

    def __init__(self, settings: Settings) -> None:
        public = urlsplit(settings.public_url)
        self._public_origin = _origin(public.scheme, public.netloc) if public.netloc else None
        given = {settings.host, public.hostname or "", *settings.trusted_hosts}
        machine = {"localhost", socket.gethostname()}
        self._hosts = {name.lower() for name in given | machine if name}

    def knows_host(self, scope: Scope) -> bool:
        """Tell whether the Host header names us. Plain IP addresses do: no name can be bound to them by others."""
        host = _hostname(Headers(scope=scope).get("host", ""))
        return host in self._hosts or _is_address(host)

    def is_own_origin(self, scope: Scope) -> bool:
        """Tell whether the Origin header is exactly ours: scheme, host and port. A missing one is not."""
        headers = Headers(scope=scope)
        given = ORIGIN.fullmatch(headers.get("origin", "").strip().lower())
        if given is None:
            return False
        scheme = str(SCHEMES.get(scope["scheme"], scope["scheme"]))
        own = {self._public_origin, _origin(scheme, headers.get("host", ""))} - {None}
        return _origin(given["scheme"], given["netloc"]) in own


def _origin(scheme: str, netloc: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(f"{scheme}://{netloc}")
        port = parts.port or DEFAULT_PORTS.get(scheme.lower(), 0)
    except ValueError:
        return None
    return (scheme.lower(), parts.hostname, port) if parts.hostname else None


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
