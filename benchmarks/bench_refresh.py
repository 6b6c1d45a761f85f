"""`./run bench refresh`: twenty windows of one person refresh the same token at once, again and again.

Over four real web processes. The exit code is 1 where tokens forked, where somebody was signed out who should not have
been, or where a token from before did not end its family.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

from auth.principals import Principal
from benchmarks.counts import Counted, publish_counts
from benchmarks.report import read_options
from benchmarks.web_processes import Site, running_site
from webapp.services import sessions

PROCESSES, WINDOWS = 4, 20
ROUNDS, QUICK_ROUNDS = 100, 10
FAMILIES = 10
TIMEOUT_S = 120.0
PATH = "/api/v1/auth/refresh-token"


def main(arguments: Sequence[str] = ()) -> int:
    """Run both parts; return 1 where something was not exact."""
    options = read_options("refresh", arguments)
    settings = {"PUBLIC_CALLS_PER_MINUTE": "0"}  # one address stands for many
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), PROCESSES, **settings) as site:
        person = site.person("windows")
        rounds = QUICK_ROUNDS if options.quick else ROUNDS
        found = asyncio.run(races(site, person, rounds)) + asyncio.run(thefts(site, person))
    return publish_counts("refresh", found, options.json)


async def races(site: Site, person: Principal, rounds: int) -> list[Counted]:
    """Refresh the newest token by all windows at once, and use what each of them got."""
    token = sessions.issue_tokens(site.resources, person).refresh_token
    began_at, forks, logouts, useless = time.monotonic(), 0, 0, 0
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        for _ in range(rounds):
            answers = await asyncio.gather(*(refresh(client, site, at, token) for at in range(WINDOWS)))
            good = [answer.json() for answer in answers if answer.status_code == 200]
            logouts += WINDOWS - len(good)
            if not good:
                break
            forks += len({one["refresh_token"] for one in good}) - 1
            useless += not await works(client, site, good[-1]["access_token"])
            token = good[0]["refresh_token"]
    case, wall_s = f"{WINDOWS} refreshes at once, {rounds} times", time.monotonic() - began_at
    return [
        Counted(case, "forks", forks, 0, wall_s),
        Counted(case, "wrongful logouts", logouts, 0, wall_s),
        Counted(case, "useless tokens", useless, 0, wall_s),
    ]


async def thefts(site: Site, person: Principal) -> list[Counted]:
    """Use a token two steps old while its successor is still within its grace, by all windows at once."""
    began_at, accepted, survivors = time.monotonic(), 0, 0
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        for _ in range(FAMILIES):
            first = sessions.issue_tokens(site.resources, person)
            second = (await refresh(client, site, 0, first.refresh_token)).json()
            third = (await refresh(client, site, 1, second["refresh_token"])).json()
            answers = await asyncio.gather(*(refresh(client, site, at, first.refresh_token) for at in range(WINDOWS)))
            accepted += sum(answer.status_code != 401 for answer in answers)
            left = await asyncio.gather(*(refresh(client, site, 2, one["refresh_token"]) for one in (second, third)))
            survivors += sum(answer.status_code != 401 for answer in left)
            survivors += await works(client, site, third["access_token"])
    case, wall_s = f"grand-parent within the grace, {FAMILIES} families", time.monotonic() - began_at
    return [
        Counted(case, "accepted", accepted, 0, wall_s),
        Counted(case, "tokens that survive", survivors, 0, wall_s),
    ]


async def refresh(client: httpx.AsyncClient, site: Site, at: int, token: str) -> httpx.Response:
    """Refresh a token at one of the processes."""
    return await client.post(site.urls[at % len(site.urls)] + PATH, json={"refresh_token": token})


async def works(client: httpx.AsyncClient, site: Site, access_token: str) -> bool:
    """Tell whether an access token is taken, by a process that has not seen it before."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return (await client.get(f"{site.urls[-1]}/api/v1/auth/me", headers=headers)).status_code == 200
