"""Mails: plain text through an SMTP server, or to the console of a developer."""

import smtplib
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from webapp.errors import DatabaseBusy
from webapp.settings import Settings

CONSOLE = "console:"
TIMEOUT_S = 10.0
TRIES = 4
LONGEST_WAIT_S = 30.0
log = structlog.get_logger(__name__)
_post_office = ThreadPoolExecutor(1, thread_name_prefix="mail")


def is_set_up(settings: Settings) -> bool:
    """Tell whether mails can be sent."""
    return bool(settings.smtp_url.get_secret_value())


def do_later[**P](work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Do something that ends in a mail in the background: how long it takes tells nobody which addresses are known.

    It begins again, a few times, where the database was busy: nobody is there any more who could ask again.
    """
    _post_office.submit(_logged, work, *args, **kwargs)


def send(settings: Settings, to: str, subject: str, text: str) -> None:
    """Send a mail, with a few tries. What fails for good is logged, without the text."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, to, subject
    message.set_content(text)
    try:
        for attempt in Retrying(stop=stop_after_attempt(TRIES), wait=_growing_wait(), reraise=True):
            with attempt:
                _send(settings.smtp_url.get_secret_value(), message)
    except (OSError, smtplib.SMTPException) as error:
        log.error("mail_not_sent", subject=subject, error=type(error).__name__)


def _logged[**P](work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    busy = retry_if_exception_type(DatabaseBusy)
    try:
        for attempt in Retrying(retry=busy, stop=stop_after_attempt(TRIES), wait=_growing_wait(), reraise=True):
            with attempt:
                work(*args, **kwargs)
    except Exception:
        log.exception("mail_work_failed")


def _growing_wait() -> wait_exponential:
    return wait_exponential(multiplier=1, max=LONGEST_WAIT_S)


def _send(address: str, message: EmailMessage) -> None:
    if address == CONSOLE:
        sys.stdout.write(f"{message}\n")
        sys.stdout.flush()
        return
    parts = urlsplit(address)
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    with kind(parts.hostname or "", parts.port or 0, timeout=TIMEOUT_S) as server:
        if parts.scheme == "smtp":
            with suppress(smtplib.SMTPNotSupportedError):  # a server on this machine, without TLS
                server.starttls()
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message)
