"""A file over HTTP, whole or from where a download broke off: ranges (RFC 9110) and digests (RFC 9530)."""

import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field

import anyio.to_thread
from fastapi.responses import Response, StreamingResponse

from webapp.export_errors import RangeNotSatisfiable

DIGESTED_BYTES = 2**23
"""A part up to this size gets a digest of its own, which needs it in memory before its first byte goes out."""


@dataclass(frozen=True)
class ServedFile:
    """A file that never changes. `read(start, end)` yields its bytes; `sha256` is hexadecimal."""

    filename: str
    media_type: str
    size_bytes: int
    sha256: str
    read: Callable[[int, int], Iterator[bytes]] = field(repr=False)

    @property
    def etag(self) -> str:
        """The strong validator: equal bytes, equal tag."""
        return f'"{self.sha256}"'


def file_response(file: ServedFile, headers: Mapping[str, str], *, with_body: bool = True) -> Response:
    """Answer with the file or the one range that is asked for. Raises `RangeNotSatisfiable`.

    Several ranges in one request are answered with the whole file, as RFC 9110 (14.2) allows.
    """
    sent = _headers(file)
    if _lists(headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=sent)
    asked = _range(headers.get("range", ""), file.size_bytes) if _unchanged(headers, file.etag) else None
    start, end = asked or (0, file.size_bytes)
    sent["Content-Length"] = str(end - start)
    if asked is not None:
        sent["Content-Range"] = f"bytes {start}-{end - 1}/{file.size_bytes}"
    status = 200 if asked is None else 206
    if asked is None:
        sent["Content-Digest"] = sent["Repr-Digest"]
    if not with_body:
        return Response(status_code=status, headers=sent, media_type=file.media_type)
    chunks = file.read(start, end)
    if asked is not None and end - start <= DIGESTED_BYTES:
        part = b"".join(chunks)
        sent["Content-Digest"] = _digest(hashlib.sha256(part).digest())
        return Response(part, status, headers=sent, media_type=file.media_type)
    return StreamingResponse(in_thread(chunks), status, headers=sent, media_type=file.media_type)


async def in_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Draw chunks in a thread; one that is left half way is closed, with the files it works on."""
    end = object()
    try:
        while (chunk := await anyio.to_thread.run_sync(next, chunks, end)) is not end:
            assert isinstance(chunk, bytes)
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(close)


def _headers(file: ServedFile) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "ETag": file.etag,
        "Repr-Digest": _digest(bytes.fromhex(file.sha256)),
        "Content-Disposition": f'attachment; filename="{file.filename}"',
        "Cache-Control": "private, no-cache",
    }


def _digest(value: bytes) -> str:
    return f"sha-256=:{base64.b64encode(value).decode()}:"


def _lists(tags: str, etag: str) -> bool:
    return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in tags.split(","))


def _unchanged(headers: Mapping[str, str], etag: str) -> bool:
    """Tell whether a range may be answered: `If-Range` compares strongly, and a date never matches here."""
    return headers.get("if-range", etag).strip() == etag


def _range(text: str, size_bytes: int) -> tuple[int, int] | None:
    """Return (start, end) of a single range of bytes, None where the header is to be ignored."""
    unit, _, asked = text.partition("=")
    first, dash, last = (part.strip() for part in asked.partition("-"))
    if unit.strip().lower() != "bytes" or not dash or not (first or last):
        return None
    if not all(part == "" or (part.isascii() and part.isdecimal() and len(part) <= 19) for part in (first, last)):
        return None
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size_bytes - int(last))
    end = min(size_bytes, int(last) + 1) if first and last else size_bytes
    if start >= end:
        raise RangeNotSatisfiable(size_bytes=size_bytes)
    return start, end
