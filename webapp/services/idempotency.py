"""Requests that are done once, however often they are sent: the answer is kept with what was made.

A service that takes a `Once` asks under the lock of the owner's row whether the request was answered, before anything
is spent, and writes the answer in the transaction that makes the job. Requests that take long before that, because a
file arrives, hold their key meanwhile, by lease: where their process dies, the key is free again when the lease ends.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any

from sqlalchemy.orm import Session

from auth.principals import SYSTEM
from models.queries import idempotency as queries
from models.queries.idempotency import KeyName, KnownKey
from models.queries.quotas import lock_owner
from webapp.idempotency_errors import IdempotencyKeyInFlight, IdempotencyKeyReused
from webapp.resources import Resources
from webapp.settings import Settings

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to a request that was accepted. `body` is JSON; it is said again byte by byte."""

    status: int
    body: str
    location: str


class AlreadyAnswered(Exception):
    """The request was done before: nothing of it is done again, and `answer` is what to say."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__("answered before")


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with a key. `meaning`: SHA-256 of what it asks for; `token`: names this very try."""

    name: KeyName
    token: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Once[V]:
    """A request that is to be done once, and how what it makes is told."""

    request: KeyedRequest
    answer: Callable[[V], Answer]

    def through[W](self, part_of: Callable[[W], V]) -> "Once[W]":
        """Return the same for a service that makes something around it."""
        return Once(self.request, lambda whole: self.answer(part_of(whole)))


def meaning_of(path: str, asked: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a request asks for, the same for every order of its fields."""
    canonical = json.dumps({"path": path, "asked": asked}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def hold(resources: Resources, name: KeyName, token: str) -> bool:
    """Keep others with the same key out for `lease_s`; False: the key was answered before.

    Raises `IdempotencyKeyInFlight`.
    """
    with resources.database.write(SYSTEM) as session:
        lock_owner(session, name.user_id)
        kept_s = _kept_s(resources.settings)
        if queries.hold(session, name, token, resources.settings.lease_s, kept_s):
            return True
        known = queries.find(session, name, kept_s)
        if known is not None and known.left_s is not None:
            raise _in_flight(known.left_s)
        return False


def renew(resources: Resources, name: KeyName, token: str) -> None:
    """Hold a key for another `lease_s`."""
    with resources.database.write(SYSTEM) as session:
        queries.renew(session, name, token, resources.settings.lease_s)


def release(resources: Resources, name: KeyName, token: str) -> None:
    """Let go of a key whose request failed: it may be sent again."""
    with resources.database.write(SYSTEM) as session:
        queries.release(session, name, token)


def look(resources: Resources, request: KeyedRequest) -> None:
    """Go on only with a request that is new. Raises as `require_first`."""
    with resources.database.read(SYSTEM) as session:
        _judge(request, queries.find(session, request.name, _kept_s(resources.settings)))


def require_first(session: Session, resources: Resources, once: Once[Any] | None) -> None:
    """Go on only with a request that is new; of several at once, one after the other. To be called before any lock.

    Raises `AlreadyAnswered`, `IdempotencyKeyReused`, `IdempotencyKeyInFlight`.
    """
    if once is not None:
        lock_owner(session, once.request.name.user_id)
        _judge(once.request, queries.find(session, once.request.name, _kept_s(resources.settings)))


def keep[V](session: Session, resources: Resources, once: Once[V] | None, made: V) -> None:
    """Write the answer in the transaction that makes what it tells of.

    Raises as `require_first` where another try was first.
    """
    if once is None:
        return
    request, kept_s = once.request, _kept_s(resources.settings)
    values = asdict(once.answer(made)) | {"token": request.token, "meaning": request.meaning}
    if not queries.answer(session, request.name, kept_s, values):
        _judge(request, queries.find(session, request.name, kept_s))
        raise _in_flight(1.0)


def drop_old(session: Session, resources: Resources) -> None:
    """Remove keys whose time is over."""
    queries.drop_older(session, _kept_s(resources.settings))


def _judge(request: KeyedRequest, known: KnownKey | None) -> None:
    if known is None or (known.left_s is not None and known.token == request.token):
        return
    if known.left_s is not None:
        raise _in_flight(known.left_s)
    if known.meaning != request.meaning:
        raise IdempotencyKeyReused()
    raise AlreadyAnswered(Answer(known.status, known.body, known.location))


def _in_flight(left_s: float) -> IdempotencyKeyInFlight:
    return IdempotencyKeyInFlight(retry_after_s=max(1, ceil(left_s)))


def _kept_s(settings: Settings) -> float:
    return settings.idempotency_hours * HOUR_S
