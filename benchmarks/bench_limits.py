"""`./run bench limits`: calls and jobs of 200 clients at once over four real web processes.

Exact or not: the exit code is 1 where one call more or less was allowed than the tier's limit says, or where more or
fewer jobs got through than were left.
"""

import asyncio
import ssl
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from auth.principals import SYSTEM, Principal, Role
from benchmarks.counts import Counted, publish_counts
from benchmarks.report import read_options
from benchmarks.web_processes import Site, running_site
from models.quota import QuotaUse
from webapp.services.tiers import limits_of, tier_of

PROCESSES, CLIENTS = 4, 200
SUBMITS, JOBS_LEFT = 100, 5
MORE_THAN_ALLOWED = 100
TIMEOUT_S = 120.0


def main(arguments: Sequence[str] = ()) -> int:
    """Run all parts; return 1 where something was not exact."""
    options = read_options("limits", arguments)
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), PROCESSES) as site:
        tiers = (Role.USER,) if options.quick else tuple(Role)
        found = [*(one for role in tiers for one in calls_of_tier(site, role)), jobs_left(site)]
    return publish_counts("limits", found, options.json)


def calls_of_tier(site: Site, role: Role) -> list[Counted]:
    """Send more calls than a tier allows, by 200 clients at once over all processes."""
    person = site.person(f"calls-{role}", role)
    limit = limits_of(site.resources.settings, tier_of(site.resources.settings, role)).calls_per_hour
    calls = (limit or CLIENTS) + MORE_THAN_ALLOWED
    began_at = time.monotonic()
    codes = asyncio.run(at_once(site, person, calls, lambda client, url: client.get(f"{url}/api/v1/auth/me")))
    wall_s, allowed = time.monotonic() - began_at, limit or calls
    case = f"{role}: {calls} calls, limit {limit or 'none'}"
    return [
        Counted(case, "allowed", codes[200], allowed, wall_s),
        Counted(case, "refused with 429", codes[429], calls - allowed, wall_s),
    ]


def jobs_left(site: Site) -> Counted:
    """Submit 100 jobs at once where five are left."""
    person = site.person("submits", Role.PREMIUM)
    quota = limits_of(site.resources.settings, tier_of(site.resources.settings, Role.PREMIUM)).jobs_per_hour or 0
    with site.resources.database.write(SYSTEM) as session:
        session.add(QuotaUse(user_id=person.user_id, kind="jobs", amount=quota - JOBS_LEFT))
    headers = site.headers(person)
    with httpx.Client(timeout=TIMEOUT_S, headers=headers) as client:
        scene = client.put(f"{site.urls[0]}/api/v1/scenes?name=made.tif", content=small_scene()).json()
        body = {"scene_id": scene["id"], "parameters": {"window_px": 256}}
        began_at = time.monotonic()
        path = "/api/v1/ml-processing/extract-buildings"
        codes = asyncio.run(at_once(site, person, SUBMITS, lambda web, url: web.post(url + path, json=body)))
        wall_s = time.monotonic() - began_at
        stored = len(client.get(f"{site.urls[0]}/api/v1/jobs").json()["jobs"])
    if stored != codes[202] or codes[202] + codes[429] != SUBMITS:
        raise RuntimeError(f"answers {dict(codes)}, but {stored} jobs are there")
    return Counted(f"{SUBMITS} jobs at once, {JOBS_LEFT} left", "accepted", codes[202], JOBS_LEFT, wall_s)


async def at_once(
    site: Site, person: Principal, calls: int, call: Callable[[httpx.AsyncClient, str], Awaitable[Any]]
) -> Counter[int]:
    """Let 200 clients send calls in turn over all processes, each its next one as soon as it is answered; count."""
    headers, left, codes = site.headers(person), iter(range(calls)), Counter[int]()

    async def one_client(certificates: ssl.SSLContext) -> None:
        # A connection of its own: a pool of 200 costs this process more than all calls cost the servers.
        async with httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S, verify=certificates) as client:
            for at in left:
                codes[(await call(client, site.urls[at % len(site.urls)])).status_code] += 1

    certificates = httpx.create_ssl_context()
    await asyncio.gather(*(one_client(certificates) for _ in range(min(CLIENTS, calls))))
    return codes


def small_scene() -> bytes:
    """Return a GeoTIFF of 256 x 256 px."""
    pixels = np.random.default_rng(1).integers(0, 255, (3, 256, 256), dtype=np.uint8)
    shape = {"width": 256, "height": 256, "count": 3, "dtype": "uint8"}
    with MemoryFile() as memory:
        place = {"crs": "EPSG:32618", "transform": from_origin(500_000, 4_500_000, 0.3, 0.3)}
        with rasterio.open(memory, "w", driver="GTiff", **shape, **place) as scene:
            scene.write(pixels)
        return bytes(memory.read())
