"""The web server: `python -m webapp.http_server DESCRIPTOR`, with a bound socket that it inherits.

The supervisor owns the socket: the port is taken before anything starts, and a server that is started again finds
the connections that came meanwhile.
"""

import socket
import sys

import uvicorn

GRACE_S = 5
"""How long open answers may go on at the end; open pages keep their websocket for ever."""


def main(descriptor: int) -> None:
    """Serve until SIGTERM."""
    config = uvicorn.Config(
        "panel_serve:app",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
