"""A client of tus 1.0, as small as it can be."""

import base64
from collections.abc import Iterator
from pathlib import Path

import httpx

VERSION = {"Tus-Resumable": "1.0.0"}
PIECE_BYTES = 8 * 2**20
CHUNK_BYTES = 2**20


class TusClient:
    """Speaks to one server."""

    def __init__(self, client: httpx.Client, server: str) -> None:
        self._client = client
        self._server = server

    def begin(self, name: str, length_bytes: int, purpose: str = "scene") -> httpx.Response:
        """Announce a file; `Location` of the answer is its upload."""
        said = {"filename": name, "purpose": purpose}
        packed = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
        headers = VERSION | {"Upload-Length": str(length_bytes), "Upload-Metadata": packed}
        return self._client.post(f"{self._server}/api/v1/uploads", headers=headers)

    def offset_of(self, url: str) -> int:
        """Return where to go on."""
        return int(self._client.head(self._server + url, headers=VERSION).headers["Upload-Offset"])

    def send_file(self, path: Path, name: str) -> str:
        """Send a whole file in pieces; return its upload."""
        url = self.begin(name, path.stat().st_size).raise_for_status().headers["Location"]
        self.send_rest(url, path)
        return str(url)

    def send_rest(self, url: str, path: Path, piece_bytes: int = PIECE_BYTES) -> None:
        """Send what is missing."""
        offset, size = self.offset_of(url), path.stat().st_size
        while offset < size:
            length = min(piece_bytes, size - offset)
            answer = self._piece(url, offset, _read(path, offset, length), length).raise_for_status()
            offset = int(answer.headers["Upload-Offset"])

    def send_bytes(self, content: bytes, name: str) -> httpx.Response:
        """Send a small file at once; return the answer to its only piece."""
        url = self.begin(name, len(content)).raise_for_status().headers["Location"]
        return self._piece(url, 0, iter([content]), len(content))

    def overrun(self, length_bytes: int, content: Iterator[bytes]) -> int:
        """Announce a file and send more, without a length; return the status."""
        url = self.begin("overrun.tif", length_bytes).raise_for_status().headers["Location"]
        return self._piece(url, 0, content, None).status_code

    def _piece(self, url: str, offset: int, content: Iterator[bytes], length: int | None) -> httpx.Response:
        headers = VERSION | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        if length is not None:
            headers["Content-Length"] = str(length)
        return self._client.patch(self._server + url, content=content, headers=headers)


def _read(path: Path, start: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length:
            chunk = file.read(min(CHUNK_BYTES, length))
            length -= len(chunk)
            yield chunk
