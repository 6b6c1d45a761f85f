"""The one client of `bench api`: 8 connections, each with its next request as soon as the last one is answered.

Arguments: address, seconds, file with JSON {"headers": {...}, "paths": [...]}. Prints one line of JSON: seconds that
each request took, and what went wrong. It reads answers by hand, so that the client costs little beside the server.
"""

import asyncio
import json
import sys
import time
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

CONNECTIONS = 8


async def main() -> None:
    """Ask for so long, and say how it went."""
    address, seconds, wishes = sys.argv[1], float(sys.argv[2]), json.loads(Path(sys.argv[3]).read_text())
    place = urlsplit(address)
    requests = [_request(f"{place.hostname}:{place.port}", path, wishes["headers"]) for path in wishes["paths"]]
    took_s: list[float] = []
    errors: list[str] = []
    sizes: list[int] = []
    turn = count()
    until = time.monotonic() + seconds

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        while time.monotonic() < until:
            began = time.perf_counter()
            writer.write(requests[next(turn) % len(requests)])
            status, size = await _answer(reader)
            took_s.append(time.perf_counter() - began)
            sizes.append(size)
            if status != 200:
                errors.append(str(status))
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    wall_s = time.perf_counter() - began
    mean_bytes = sum(sizes) / max(1, len(sizes))
    found = {"took_s": took_s, "wall_s": wall_s, "errors": errors[:5], "mean_bytes": mean_bytes}
    print(json.dumps(found | {"own_processor_s": time.process_time()}))


def _request(host: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Return the status of an answer, and the size of its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    if "transfer-encoding: chunked" not in head:
        size = int(head.partition("content-length:")[2].split("\r\n", 1)[0])
        await reader.readexactly(size)
        return status, size
    whole = 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
        whole += size
    await reader.readuntil(b"\r\n")
    return status, whole


if __name__ == "__main__":
    asyncio.run(main())
