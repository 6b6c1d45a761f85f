"""`./run bench idempotency`: the same request again and again, over four web processes, and one that is killed at it.

Rounds of 50 requests with one key, by two people who use the same key. Then a process is killed while it answers eight
of one key; clients whose connection broke send again to the others until they are answered, as a careful program does.
The exit code is 1 where a key made more or fewer jobs than one, where two answers differ, or where somebody got the
answer of somebody else.
"""

import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import func, select

from auth.principals import SYSTEM
from benchmarks.counts import Counted, publish_counts
from benchmarks.report import read_options
from benchmarks.web_processes import Site, running_site
from models.job import ProcessingJob
from models.quota import QuotaUse
from tests.support.jobs import add_scene

PATH = "/api/v1/ml-processing/extract-buildings"
PROCESSES, REQUESTS, AT_KILLED = 4, 50, 8
ROUNDS, QUICK_ROUNDS = 200, 10
KILLS, QUICK_KILLS = 20, 3
TIMEOUT_S = 120.0
SETTINGS = {"FREE_CALLS_PER_HOUR": "0", "FREE_JOBS_PER_HOUR": "0"}


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody with a scene."""

    headers: dict[str, str]
    scene_id: str


def main(arguments: Sequence[str] = ()) -> int:
    """Run both parts; return 1 where something was not exact."""
    options = read_options("idempotency", arguments)
    rounds, kills = (QUICK_ROUNDS, QUICK_KILLS) if options.quick else (ROUNDS, KILLS)
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), PROCESSES, **SETTINGS) as site:
        askers = [asker(site, name) for name in ("ada", "ben")]
        found = asyncio.run(crowds(site, askers, rounds)) + asyncio.run(deaths(site, askers[0], kills))
        beside = rows_of(site, QuotaUse) - rows_of(site, ProcessingJob)
    found.append(Counted("in all", "uses of the quota without a job", beside, 0, 0.0))
    return publish_counts("idempotency", found, options.json)


def asker(site: Site, name: str) -> Asker:
    """Make somebody with a scene."""
    person = site.person(name)
    return Asker(site.headers(person), add_scene(site.resources, person))


async def crowds(site: Site, askers: list[Asker], rounds: int) -> list[Counted]:
    """Send one key by many at once over all processes."""
    began_at, before, differing, foreign = time.monotonic(), rows_of(site, ProcessingJob), 0, 0
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        for at in range(rounds):
            urls = [site.urls[number % PROCESSES] for number in range(REQUESTS)]
            sent = [send(client, url, one, f"crowd-{at}") for one in askers for url in urls]
            answers = await asyncio.gather(*sent)
            hers, his = set(answers[:REQUESTS]), set(answers[REQUESTS:])
            differing += len(hers) + len(his) - 2
            foreign += len(hers & his)
    made = rows_of(site, ProcessingJob) - before
    case, wall_s = f"{REQUESTS} at once by each of 2 people, {rounds} keys", time.monotonic() - began_at
    return [
        Counted(case, "jobs", made, rounds * len(askers), wall_s),
        Counted(case, "answers that differ", differing, 0, wall_s),
        Counted(case, "answers of somebody else", foreign, 0, wall_s),
    ]


async def deaths(site: Site, asker: Asker, kills: int) -> list[Counted]:
    """Kill the process that is answering, at a moment that chance decides; send again elsewhere."""
    began_at, before, moments = time.monotonic(), rows_of(site, ProcessingJob), random.Random(7)
    differing = unanswered = made_already = 0
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        for at in range(kills):
            with site.another_server() as doomed:
                heard = await until_killed(client, doomed, asker, at, moments)
            unanswered += AT_KILLED - len(heard)
            made_already += rows_of(site, ProcessingJob) - before - 2 * at == 2
            again = [send(client, site.urls[n % PROCESSES], asker, f"death-{at}") for n in range(AT_KILLED)]
            differing += len({*heard, *await asyncio.gather(*again)}) - 1
    made = rows_of(site, ProcessingJob) - before
    case, wall_s = f"a process killed while it answers {AT_KILLED}, {kills} keys", time.monotonic() - began_at
    print(f"{kills} processes killed: {unanswered} requests without an answer, {made_already} jobs made by then")
    return [
        Counted(case, "jobs, beside one for each process before", made - kills, kills, wall_s),
        Counted(case, "answers that differ", differing, 0, wall_s),
    ]


async def until_killed(
    client: httpx.AsyncClient, doomed: Site, asker: Asker, at: int, moments: random.Random
) -> list[tuple[int, bytes]]:
    """Ask a process, and kill it within about the time that answers took it before; return what it answered."""
    took_s = 0.0
    for _ in range(2):  # what it does for the first time takes longer
        began_at = time.monotonic()
        await asyncio.gather(*(send(client, doomed.urls[0], asker, f"before-{at}") for _ in range(AT_KILLED)))
        took_s = time.monotonic() - began_at
    tries = [asyncio.create_task(send(client, doomed.urls[0], asker, f"death-{at}")) for _ in range(AT_KILLED)]
    await asyncio.sleep(moments.uniform(0.0, took_s))
    os.kill(doomed.pids[0], signal.SIGKILL)
    found = await asyncio.gather(*tries, return_exceptions=True)
    return [one for one in found if isinstance(one, tuple)]


async def send(client: httpx.AsyncClient, url: str, asker: Asker, key: str) -> tuple[int, bytes]:
    """Ask for a job; return status and body."""
    headers = asker.headers | {"Idempotency-Key": key}
    answer = await client.post(url + PATH, json={"scene_id": asker.scene_id}, headers=headers)
    return answer.status_code, answer.content


def rows_of(site: Site, table: type[ProcessingJob | QuotaUse]) -> int:
    """Count the rows of a table."""
    with site.resources.database.read(SYSTEM) as session:
        return session.scalars(select(func.count()).select_from(table)).one()


if __name__ == "__main__":
    raise SystemExit(main())
