"""The Idempotency-Key of a call, as routes use it. Without a key everything here does nothing."""

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Request

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.receiving import in_thread
from webapp.errors import AppError
from webapp.idempotency_errors import IdempotencyKeyInvalid
from webapp.resources import Resources
from webapp.services import idempotency
from webapp.services.idempotency import Answer, KeyedRequest, KeyName, Once, meaning_of
from webapp.services.uploads import ReceivedFile

HEADER = "Idempotency-Key"
LENGTH_MAX = 255
KEYS = re.compile(rf"[ -~]{{1,{LENGTH_MAX}}}")
DESCRIPTION = (
    "A text of your own, such as a UUID. Sent again with the same request within a day, it gives the same answer, "
    "and nothing is made or spent twice."
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CallKey:
    """The key of a call; `name` is None without one."""

    resources: Resources
    path: str
    name: KeyName | None
    token: str = field(default_factory=lambda: uuid.uuid4().hex)

    def once[V](self, asked: Mapping[str, Any], answer: Callable[[V], Answer]) -> Once[V] | None:
        """Return what a service needs to do once what is asked. It blocks.

        Raises `AlreadyAnswered`, `IdempotencyKeyReused`, `IdempotencyKeyInFlight`.
        """
        if self.name is None:
            return None
        request = KeyedRequest(self.name, self.token, meaning_of(self.path, asked))
        idempotency.look(self.resources, request)
        return Once(request, answer)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[bool]:
        """Keep others with the same key out while a file arrives; what fails in the block lets the key go.

        Tells whether the call is new. One that was answered before still has to be compared with what it repeats.
        Raises `IdempotencyKeyInFlight`.
        """
        name = self.name
        if name is None or not await in_thread(idempotency.hold, self.resources, name, self.token):
            yield name is None
            return
        renewing = asyncio.create_task(self._renew(name))
        try:
            yield True
        except BaseException:
            with suppress(AppError):  # then it is free when the lease ends
                await in_thread(idempotency.release, self.resources, name, self.token)
            raise
        finally:
            renewing.cancel()

    async def _renew(self, name: KeyName) -> None:
        while True:
            await asyncio.sleep(self.resources.settings.heartbeat_s)
            try:
                await in_thread(idempotency.renew, self.resources, name, self.token)
            except AppError as error:
                log.warning("key_not_renewed", code=error.code)


def asked_with_file(received: ReceivedFile, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form with a file asks for; the file stands in it by its content."""
    return {"file": [received.name, received.size_bytes, received.sha256], "fields": dict(fields)}


def _call_key(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    given: Annotated[
        str | None,
        Header(alias=HEADER, description=DESCRIPTION, json_schema_extra={"minLength": 1, "maxLength": LENGTH_MAX}),
    ] = None,
) -> CallKey:
    keys = request.headers.getlist(HEADER)
    if not keys:
        return CallKey(resources, request.url.path, None)
    if len(keys) > 1 or not KEYS.fullmatch(keys[0]):
        raise IdempotencyKeyInvalid(length_max=LENGTH_MAX)
    route = f"{request.method} {request.scope['route'].path}"
    return CallKey(resources, request.url.path, KeyName(principal.user_id, route, keys[0]))


CurrentCallKey = Annotated[CallKey, Depends(_call_key)]
