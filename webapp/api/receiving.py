"""Upload bodies, streamed to disk as they arrive: memory stays flat, and what breaks off leaves nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from fastapi import Request

from auth.principals import Principal
from webapp.api.upload_form import ENVELOPE_BYTES, UploadForm
from webapp.errors import MediaTypeNotAllowed, RequestInvalid, UploadStalled, UploadTooLarge
from webapp.resources import Resources
from webapp.services.tiers import limits_of
from webapp.services.uploads import ReceivedFile, begin_upload

CHUNK_BYTES = 1_048_576
STALL_S = 60.0
RECEIVERS = 16
CHECKERS = 3


def announced_bytes(request: Request) -> int | None:
    """Return the Content-Length, None for a chunked body. Raises `RequestInvalid`, `MediaTypeNotAllowed`."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding != "identity":
        raise MediaTypeNotAllowed(header="Content-Encoding", value=encoding[:100], rule="send the file as it is")
    given = request.headers.get("content-length")
    if given is None:
        return None
    if not given.isdigit():
        raise RequestInvalid(detail="Content-Length is not a number")
    return int(given)


async def feed_body(request: Request, name: str, take: Callable[[bytes], Any]) -> None:
    """Hand the body to `take` in pieces of about 1 MiB, in a worker thread. Raises `UploadStalled`."""
    gathered = bytearray()
    async for chunk in _timed(request, name):
        gathered += chunk
        if len(gathered) >= CHUNK_BYTES:
            await in_thread(take, bytes(gathered))
            gathered.clear()
    if gathered:
        await in_thread(take, bytes(gathered))


@asynccontextmanager
async def received_form(
    request: Request, resources: Resources, principal: Principal, fields: frozenset[str]
) -> AsyncIterator[tuple[ReceivedFile, dict[str, str]]]:
    """Receive a multipart form with a file and some of these fields; what fails in the block drops the file.

    Raises `UploadTooLarge`, `UploadStalled`, `RequestInvalid`, `MediaTypeNotAllowed`, `DiskFull`.
    """
    announced, limit = announced_bytes(request), limits_of(resources.settings, principal.tier).upload_bytes
    if announced is not None and announced > limit + ENVELOPE_BYTES:
        raise UploadTooLarge(name="The file", limit_bytes=limit)
    content_type = request.headers.get("content-type", "")
    form = UploadForm(content_type, lambda name: begin_upload(resources, principal, name), fields)
    try:
        await feed_body(request, "The file", form.feed)
        yield form.finish(), form.values
    except BaseException:
        form.abort()
        raise


async def _timed(request: Request, name: str) -> AsyncIterator[bytes]:
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(STALL_S):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise UploadStalled(name=name, waited_s=round(STALL_S)) from error
        yield chunk


async def in_thread[*A, T](work: Callable[[*A], T], *arguments: *A) -> T:
    """Run blocking work; once begun it ends before this returns, so that nothing is cleaned up under its hands."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter("receive", RECEIVERS))


async def check_in_thread[*A, T](work: Callable[[*A], T], *arguments: *A) -> T:
    """Run the check of a scene, which keeps a core busy in a process of its own; a few at a time, the others wait."""
    return await anyio.to_thread.run_sync(work, *arguments, limiter=_limiter("check", CHECKERS))


_limiters: dict[tuple[int, str], anyio.CapacityLimiter] = {}


def _limiter(kind: str, places: int) -> anyio.CapacityLimiter:
    """Own places, so that slow disks and checks do not hold up tiles; one limiter for each event loop."""
    key = id(asyncio.get_running_loop()), kind
    return _limiters.setdefault(key, anyio.CapacityLimiter(places))
