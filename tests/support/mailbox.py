"""A real mail server on this machine that keeps what it gets."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller


class Mailbox:
    """What has arrived. `address` is what SMTP_URL takes."""

    def __init__(self) -> None:
        self.address = ""
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        """Keep one mail."""
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[attr-defined]
        return "250 OK"

    def wait_for(self, count: int, timeout_s: float = 30.0) -> list[EmailMessage]:
        """Return the mails once there are this many."""
        deadline = time.monotonic() + timeout_s
        while len(self.mails) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(self.mails) == count, [mail["Subject"] for mail in self.mails]
        return self.mails


@contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    """Run a server on a free port."""
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    mailbox.address = f"smtp://127.0.0.1:{port}"
    try:
        yield mailbox
    finally:
        controller.stop()


def token_in(mail: EmailMessage) -> str:
    """Return the secret of the link in a mail."""
    return mail.get_content().partition("#token=")[2].split()[0]
