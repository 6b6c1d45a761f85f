"""Whether a connection that rested still leads to a database: told mostly without asking it.

SQLAlchemy's `pool_pre_ping` asks the server before each transaction. Where the server, or what runs it, has ended, the
socket of a connection says so by itself. Who is behind it is asked only after a rest, or where the socket has news.
"""

import select
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

TRUSTED_S = 5.0
"""After a longer rest a firewall, or a server without power, may have ended a connection without a word."""
RESTED = "rested_since"


def check_before_use(engine: Engine) -> None:
    """Give out no connection of this pool that is broken, PostgreSQL only; all are made anew once one is."""

    @event.listens_for(engine, "connect")
    @event.listens_for(engine, "checkin")
    def _note(connection: Any, record: Any) -> None:
        record.info[RESTED] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _check(connection: Any, record: Any, given: Any) -> None:
        rested_s = time.monotonic() - record.info.get(RESTED, 0.0)
        if rested_s < TRUSTED_S and not has_news(connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as error:
            raise InvalidatePoolError(str(error)) from error


def has_news(connection: Any) -> bool:
    """Tell whether the server has sent something that nobody asked for, such as that it closes the connection."""
    if connection.closed:
        return True
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    return bool(socket.poll(0))
