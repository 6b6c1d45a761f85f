"""`./run bench login`: does the time of a refused login tell whether the name exists?

Names that exist and names that do not are tried in random order with a wrong password, each name a few times at most.
Given is the area under the curve of a rank test (Mann-Whitney): 0.5 tells nothing, 1 tells all. `over HTTP` is the time
that a caller sees at a real web process; `processor time` is that of the check itself, which other work on the machine
does not blur. The exit code is 1 where one of them is beyond 0.55 by more than chance (two standard errors) explains.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median

import httpx

from auth.passwords import hash_password
from benchmarks.report import OURS, Row, publish, row_of
from benchmarks.web_processes import Site, running_site
from webapp.errors import CredentialsWrong
from webapp.services.users import authenticate

TRIES, QUICK_TRIES = 500, 60
NAMES_PER_TRY = 3
"""Each name is tried three times: after five the server lets it wait."""
LIMIT = 0.55
IGNORED = ("date", "x-request-id")


def main(arguments: Sequence[str] = ()) -> int:
    """Run both; return 1 where time tells."""
    options = read_options(arguments)
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder), 1, PUBLIC_CALLS_PER_MINUTE="0") as site:
        names = tried_names(site, options.tries)
        rows, is_even = [], True
        for case, ask in (("over HTTP", over_http(site)), ("processor time", by_processor(site))):
            ask("warm-up")
            found = measured(names, ask)
            rows += rows_of(case, found)
            is_even = is_even and abs(auc(*found) - 0.5) <= LIMIT - 0.5 + 2 * standard_error(options.tries)
    publish("login", rows, options.json)
    return 0 if is_even else 1


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return tries and json."""
    parser = argparse.ArgumentParser(prog="run bench login")
    parser.add_argument("--quick", action="store_true", help="fewer tries")
    parser.add_argument("--tries", type=int, help=f"logins of each kind ({TRIES})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.tries = options.tries or (QUICK_TRIES if options.quick else TRIES)
    return options


def tried_names(site: Site, tries: int) -> list[tuple[bool, str]]:
    """Make accounts, and return names with whether they exist, in random order."""
    stored, count = hash_password("the right password"), -(-tries // NAMES_PER_TRY)
    for at in range(count):
        site.person(f"known-{at:04}", password_hash=stored)
    names = [(kind == "known", f"{kind}-{at % count:04}") for kind in ("known", "other") for at in range(tries)]
    random.Random(7).shuffle(names)
    return names


def over_http(site: Site) -> Callable[[str], float]:
    """Return what tries a login at the web process and gives its seconds; the answers must not differ either."""
    client, seen = httpx.Client(base_url=site.urls[0], timeout=60), set[str]()

    def ask(name: str) -> float:
        began_at = time.perf_counter()
        answer = client.post("/api/v1/auth/login", json={"username": name, "password": "a wrong password"})
        wall_s = time.perf_counter() - began_at
        headers = sorted((key, value) for key, value in answer.headers.items() if key not in IGNORED)
        seen.add(f"{answer.status_code} {headers} {answer.text}")
        if len(seen) > 1:
            raise RuntimeError(f"the answers differ: {seen}")
        return wall_s

    return ask


def by_processor(site: Site) -> Callable[[str], float]:
    """Return what tries a login in this process and gives the processor's seconds."""

    def ask(name: str) -> float:
        began_at = time.process_time()
        with suppress(CredentialsWrong):
            authenticate(site.resources, name, "a wrong password")
        return time.process_time() - began_at

    return ask


def measured(names: Sequence[tuple[bool, str]], ask: Callable[[str], float]) -> tuple[list[float], list[float]]:
    """Return the seconds of names that exist and of names that do not."""
    known, other = [], []
    for exists, name in names:
        (known if exists else other).append(ask(name))
    return known, other


def auc(first: Sequence[float], second: Sequence[float]) -> float:
    """Return how often one of the first is greater than one of the second, ties counted by half."""
    wins = sum((one > two) + 0.5 * (one == two) for one in first for two in second)
    return wins / (len(first) * len(second))


def standard_error(tries: int) -> float:
    """Return that of the area where both kinds are alike (Mann and Whitney 1947)."""
    return float(((2 * tries + 1) / (12 * tries**2)) ** 0.5)


def rows_of(case: str, found: tuple[list[float], list[float]]) -> list[Row]:
    """Return times and the area, folded to 0.5 and more."""
    known, other = found
    area = max(auc(known, other), auc(other, known))
    return [
        row_of(OURS, f"{case}, name exists", "time", "ms", [1e3 * value for value in known]),
        row_of(OURS, f"{case}, no such name", "time", "ms", [1e3 * value for value in other]),
        row_of(OURS, case, "difference", "ms", [1e3 * (median(known) - median(other))]),
        row_of(OURS, case, "area (AUC)", "", [area]),
        row_of(OURS, case, "standard error", "", [standard_error(len(known))]),
    ]
