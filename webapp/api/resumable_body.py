"""The body of one request of an upload in pieces, written as it comes; what has come stays when the line breaks."""

import asyncio

import anyio
from fastapi import Request
from starlette.requests import ClientDisconnect

from webapp.api.receiving import CHUNK_BYTES, STALL_S, in_thread
from webapp.api.tus import Checksum
from webapp.errors import UploadStalled
from webapp.services.resumable_uploads import UploadWriter
from webapp.upload_errors import ChecksumWrong

LOOK_S = 1.0
"""A connection that has been silent for this long is given up for another one that wants to go on."""


async def receive_piece(request: Request, writer: UploadWriter, checksum: Checksum | None) -> None:
    """Write the body and acknowledge it. Without a checksum, what came before an error is acknowledged, too.

    Raises `UploadTooLarge`, `DiskFull`, `UploadStalled`, `ChecksumWrong`, `NotFound`, `ClientDisconnect`.
    """
    try:
        await _feed(request, writer, checksum)
    except (ClientDisconnect, UploadStalled, asyncio.CancelledError):
        with anyio.CancelScope(shield=True):
            await in_thread(writer.mark if checksum is None else writer.take_back)
        raise
    if checksum is not None and not checksum.holds:
        await in_thread(writer.take_back)
        raise ChecksumWrong(name=writer.view.name, offset_bytes=writer.offset_bytes)
    await in_thread(writer.mark)


async def _feed(request: Request, writer: UploadWriter, checksum: Checksum | None) -> None:
    gathered, more = bytearray(), True
    try:
        while more:
            message = await _next_message(request, writer)
            gathered += message.get("body", b"")
            more = message.get("more_body", False)
            if len(gathered) >= CHUNK_BYTES:
                await _write(writer, checksum, gathered)
    except (ClientDisconnect, UploadStalled):
        await _write(writer, checksum, gathered)
        raise
    await _write(writer, checksum, gathered)


async def _write(writer: UploadWriter, checksum: Checksum | None, gathered: bytearray) -> None:
    if not gathered:
        return
    chunk = bytes(gathered)
    gathered.clear()
    if checksum is not None:
        checksum.add(chunk)
    await in_thread(writer.write, chunk)


async def _next_message(request: Request, writer: UploadWriter) -> dict[str, object]:
    receiving = asyncio.ensure_future(request.receive())
    waited_s = 0.0
    try:
        while not (await asyncio.wait({receiving}, timeout=LOOK_S))[0]:
            waited_s += LOOK_S
            if waited_s >= STALL_S or writer.part.is_wanted():
                raise UploadStalled(name=writer.view.name, waited_s=round(waited_s))
        message = receiving.result()
    finally:
        receiving.cancel()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return dict(message)
