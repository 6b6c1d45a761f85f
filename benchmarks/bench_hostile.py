"""`./run bench hostile`: the corpus of hostile files through the real API and a real worker.

The exit code is 1 where a file made a server error, killed a worker, made the server touch a lure, left something
behind, or became of it what should not; and where one took more than 10 s or 1 GiB.
"""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from auth.principals import Role
from benchmarks.counts import Counted, publish_counts
from benchmarks.hostile_sending import TIMEOUT_S, Sent, send_case, spooled
from benchmarks.memory_watch import MemoryWatch, children_of, forget_peak, memory_bytes, watched
from benchmarks.report import read_options
from benchmarks.web_processes import Site, running_site
from tests.support.hostile.case import Case
from tests.support.hostile.corpus import all_cases
from tests.support.hostile.lures import watched_lures
from webapp.installation import worker_arguments

LIMIT_S, LIMIT_BYTES = 10.0, 2**30
QUICK_EVERY = 12
MANY_WINDOWS = 40
"""A larger job is cancelled once the worker has it in hand: reading it was what had to be seen."""
JOB_S, JOBS_S = 120.0, 1800.0
ENDED = {"succeeded", "failed", "cancelled", "dead"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all files, and of the server."""

    sent: list[Sent]
    jobs: list[dict[str, Any]]
    names: list[str]
    """Of the scenes."""
    touched: int
    worker_bytes: int
    worker_growth: list["Growth"]
    """Of the worker, job by job, in the order of their files."""
    worker_is_alive: bool
    left_behind: int


@dataclass(frozen=True, slots=True)
class Growth:
    """The worker's peak while one file's job ran, and what it held before."""

    case: Case
    before_bytes: int
    peak_bytes: int


WORST = 5


def main(arguments: Sequence[str] = ()) -> int:
    """Send all files; return 1 where a promise was broken."""
    options = read_options("hostile", arguments)
    cases = all_cases()[:: QUICK_EVERY if options.quick else 1]
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name, _whole_site(Path(name)) as (site, worker):
        outcome = _send_all(site, worker, cases)
    _summary(outcome)
    if options.json:
        rows = [_row(one) for one in outcome.sent]
        options.json.with_suffix(".files.json").write_text(json.dumps(rows, indent=1))
    wall_s = time.monotonic() - began_s
    found = [Counted(f"{len(cases)} files", what, count, 0, wall_s) for what, count in _broken(outcome).items()]
    return publish_counts("hostile", found, options.json)


@contextmanager
def _whole_site(folder: Path) -> Iterator[tuple[Site, int]]:
    """Run a site with its worker and its dispatcher; give the worker's id, too."""
    arguments = worker_arguments("hostile@%h", 1)[1:]
    with ExitStack() as stack:
        site = stack.enter_context(running_site(folder, 1, ACCESS_TOKEN_MINUTES="600"))
        stack.enter_context(site.running("dispatcher", ["-m", "webapp.dispatcher"]))
        yield site, stack.enter_context(site.running("worker", arguments))


def _send_all(site: Site, worker: int, cases: Sequence[Case]) -> Outcome:
    headers, sent = site.headers(site.person("sender", Role.ADMIN)), []
    growth: list[Growth] = []
    with (
        watched_lures(site.folder / "lures") as lures,
        watched(site.pids[0]) as web,
        watched(worker, counts_forks=True) as memory,
        httpx.Client(timeout=TIMEOUT_S, headers=headers) as client,
    ):
        for case in cases:
            path = site.folder / "file"
            case.write(path, lures.lures)
            sent.append(send_case(client, site, web, case, path))
            _tell(sent[-1])
            path.unlink()
            if sent[-1].job_id:
                growth.append(_growth_of(client, site, memory, sent[-1]))
        jobs = _jobs_of(client, site, sent)
        touched = lures.touched
        lures.prove()
        names = [scene["name"] for scene in client.get(f"{site.urls[0]}/api/v1/scenes").json()["scenes"]]
        is_alive = bool(children_of(worker))
    worker_bytes = max(memory.child_bytes, memory.own_bytes, *(one.peak_bytes for one in growth))
    return Outcome(sent, jobs, names, touched, worker_bytes, growth, is_alive, len(spooled(site)))


def _growth_of(client: httpx.Client, site: Site, memory: MemoryWatch, one: Sent) -> Growth:
    """Wait until the job of a file has ended, so that what the worker then held is this file's."""
    for child in children_of(memory.pid):
        forget_peak(child)
    before_bytes = max((memory_bytes(child, "VmRSS") for child in children_of(memory.pid)), default=0)
    memory.begin()
    until_s = time.monotonic() + JOB_S
    while time.monotonic() < until_s:
        job = client.get(f"{site.urls[0]}/api/v1/jobs/{one.job_id}").json()
        if job["state"] in ENDED:
            break
        if job["windows_total"] > MANY_WINDOWS and job["windows_done"] and job["kind"] == "extraction":
            client.post(f"{site.urls[0]}/api/v1/jobs/{one.job_id}/cancel")
        time.sleep(0.2)
    memory.look()
    return Growth(one.case, before_bytes, memory.child_bytes)


def _broken(outcome: Outcome) -> dict[str, int]:
    """Return how often each promise was broken."""
    sent, jobs = outcome.sent, outcome.jobs
    # The main process of the worker never ends by itself; whoever works for it may be replaced.
    deaths = sum(job["state"] == "dead" or job["attempt"] > 1 for job in jobs) + (not outcome.worker_is_alive)
    too_large = sum(one.check_bytes > LIMIT_BYTES for one in sent) + (outcome.worker_bytes > LIMIT_BYTES)
    return {
        "server errors": sum(one.status >= 500 for one in sent),
        "without a code": sum(one.status >= 400 and not one.code for one in sent),
        "worker deaths": deaths,
        "lures touched": outcome.touched,
        "not as they should": sum(one.is_wrong for one in sent),
        "left behind": outcome.left_behind + sum(one.left_behind for one in sent),
        "unsafe names": sum(not _is_safe(name) for name in outcome.names),
        "jobs without an end": sum(job["state"] not in ENDED for job in jobs),
        f"over {LIMIT_S:g} s": sum(one.wall_s > LIMIT_S for one in sent),
        "over 1 GiB": too_large,
    }


def _is_safe(name: str) -> bool:
    return bool(name.strip()) and name.isprintable() and not set(name) & {"/", "\\"}


def _jobs_of(client: httpx.Client, site: Site, sent: Sequence[Sent]) -> list[dict[str, Any]]:
    """Ask for each taken scene once more, wait until all jobs have ended, and return them."""
    url, ids = site.urls[0], [one.job_id for one in sent if one.job_id]
    for one in [one for one in sent if one.job_id and one.case.door == "image"]:
        scene = client.get(f"{url}/api/v1/jobs/{one.job_id}").json()["scene_id"]
        body = {"scene_id": scene, "parameters": {"regularize": False}}
        answer = client.post(f"{url}/api/v1/ml-processing/extract-buildings", json=body)
        if answer.status_code == 202:
            ids.append(answer.json()["job_id"])
    until_s = time.monotonic() + JOBS_S
    while True:
        jobs = [client.get(f"{url}/api/v1/jobs/{job_id}").json() for job_id in ids]
        for job in jobs:
            if job["windows_total"] > MANY_WINDOWS and job["windows_done"] and job["kind"] == "extraction":
                client.post(f"{url}/api/v1/jobs/{job['id']}/cancel")
        if all(job["state"] in ENDED for job in jobs) or time.monotonic() > until_s:
            return jobs
        time.sleep(2)


def _row(one: Sent) -> dict[str, Any]:
    return {
        "group": one.case.group,
        "name": one.case.name,
        "verdict": one.case.verdict,
        "status": one.status,
        "code": one.code,
        "wall_s": round(one.wall_s, 2),
        "check_cpu_s": round(one.check_cpu_s, 2),
        "check_mb": one.check_bytes // 10**6,
        "web_mb": one.web_bytes // 10**6,
    }


def _tell(one: Sent) -> None:
    wrong = " WRONG" if one.is_wrong or one.status >= 500 or one.left_behind else ""
    print(*_row(one).values(), wrong, flush=True)


def _summary(outcome: Outcome) -> None:
    sent, jobs = outcome.sent, outcome.jobs
    states = Counter(job["state"] for job in jobs)
    web_bytes = max(one.web_bytes for one in sent)
    print(f"refused {sum(one.status >= 400 for one in sent)}, taken {sum(one.status < 300 for one in sent)}")
    _print_worst("by the wall clock, s", [(one.wall_s, one.case) for one in sent])
    _print_worst("check, s of processor time", [(one.check_cpu_s, one.case) for one in sent])
    _print_worst("check, MiB", [(one.check_bytes / 2**20, one.case) for one in sent])
    _print_worst("worker's peak, MiB", [(one.peak_bytes / 2**20, one.case) for one in outcome.worker_growth])
    grown = [((one.peak_bytes - one.before_bytes) / 2**20, one.case) for one in outcome.worker_growth]
    _print_worst("worker's peak above what it held before, MiB", grown)
    print(f"web process {web_bytes / 2**20:.0f} MiB, worker {outcome.worker_bytes / 2**20:.0f} MiB")
    print(f"jobs {len(jobs)}: " + ", ".join(f"{count} {state}" for state, count in states.items()))


def _print_worst(what: str, figures: list[tuple[float, Case]]) -> None:
    worst = sorted(figures, key=lambda pair: pair[0], reverse=True)[:WORST]
    print(f"{what}: " + "; ".join(f"{figure:.1f} ({case.group}: {case.name})" for figure, case in worst))
