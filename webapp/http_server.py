"""The web server: `python -m webapp.http_server DESCRIPTOR`, with a bound socket that it inherits.

The supervisor owns the socket: the port is taken before anything starts, and a server that is started again finds
the connections that came meanwhile.
"""

import socket
import sys
from typing import Any

import uvicorn

from webapp.settings import Settings, load_settings

GRACE_S = 5
"""How long open answers may go on at the end; open pages keep their websocket for ever."""


def proxy_options(settings: Settings) -> dict[str, Any]:
    """Return what uvicorn is to believe of X-Forwarded-For: nothing but what a known proxy says.

    By itself it believes all that comes from this machine, so that a caller behind a tunnel could choose an address.
    """
    return {"proxy_headers": bool(settings.trusted_proxies), "forwarded_allow_ips": list(settings.trusted_proxies)}


def main(descriptor: int) -> None:
    """Serve until SIGTERM."""
    config = uvicorn.Config(
        "panel_serve:app",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        **proxy_options(load_settings()),
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
