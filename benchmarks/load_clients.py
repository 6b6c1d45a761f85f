"""Clients of `bench load`: each with its next request as soon as the last is answered, some gone in mid-answer.

They read answers by hand, so that they cost little beside the server.
"""

import asyncio
import random
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

from benchmarks.api_data import box_centres

HALF_DEG = 0.01
DIFFERENT = 200
HANG_S = 10.0
GONE = "client gone"
BROKEN = "broken"
LIST, GET, SUMS, SLOW, LEAVING = "list", "get", "statistics", "slow", "leaving"
SHARES = {LIST: 40, GET: 25, SUMS: 20, SLOW: 10, LEAVING: 5}


@dataclass
class Load:
    """What was asked and how it was answered: (kind, status or GONE or BROKEN, seconds) of each request."""

    answers: list[tuple[str, str, float]] = field(default_factory=list)
    wall_s: float = 0.0


@dataclass(frozen=True)
class Questions:
    """What may be asked of a server with so many made-up footprints."""

    url: str
    headers: dict[str, str]
    boxes: list[str]
    rows: int

    def request(self, kind: str, chance: random.Random) -> bytes:
        """Return a request of a kind. A slow one sums up all footprints by a limit that nobody asked for before."""
        api = "/api/v1/buildings"
        path = {
            LIST: lambda: f"{api}?bbox={chance.choice(self.boxes)}&limit=100",
            GET: lambda: f"{api}/{chance.randint(1, self.rows)}",
            SUMS: lambda: f"{api}/statistics/overview",
            SLOW: lambda: f"{api}/statistics/overview?min_confidence={chance.random() / 10:.12f}",
            LEAVING: lambda: f"{api}?limit=10000",
        }[kind]()
        lines = [f"GET {path} HTTP/1.1", f"Host: {urlsplit(self.url).netloc}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def questions_of(url: str, headers: dict[str, str], rows: int) -> Questions:
    """Return the questions about a server's towns."""
    places = box_centres(rows, DIFFERENT)
    sides = np.concatenate([places - HALF_DEG, places + HALF_DEG], axis=1)
    return Questions(url, headers, [",".join(f"{value:.6f}" for value in side) for side in sides], rows)


async def load_for(questions: Questions, clients: int, seconds: float) -> Load:
    """Let so many clients ask for so long; the last answers are waited for, however long they take."""
    load, began = Load(), time.monotonic()
    await asyncio.gather(*(_client(questions, load, began + seconds, seed) for seed in range(clients)))
    load.wall_s = time.monotonic() - began
    return load


async def _client(questions: Questions, load: Load, until: float, seed: int) -> None:
    chance, connection = random.Random(seed), None
    while time.monotonic() < until:
        kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
        began = time.perf_counter()
        try:
            connection = connection or await _connected(questions.url)
            status = await _asked(*connection, questions.request(kind, chance), leaves=kind == LEAVING)
        except (OSError, EOFError, ValueError):
            status = BROKEN
        load.answers.append((kind, status, time.perf_counter() - began))
        if status in (GONE, BROKEN) and connection is not None:
            connection[1].close()
            connection = None
    if connection is not None:
        connection[1].close()


async def _connected(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = urlsplit(url)
    return await asyncio.open_connection(place.hostname, place.port)


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, leaves: bool) -> str:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = head.split(" ", 2)[1]
    if leaves and status == "200":
        return GONE
    if "transfer-encoding: chunked" not in head:
        await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n", 1)[0]))
        return status
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await reader.readexactly(size + 2)
    await reader.readuntil(b"\r\n")
    return status
