"""People who use an installation for long: some look, one works through whole jobs, one signs in and opens pages.

Programs of theirs are careful: where a connection breaks, or the server says that it is busy, they ask again. What came
of every request is noted.
"""

import random
import re
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

BROKEN = "broken"
AGAIN = ("503", "429", BROKEN)
TIMEOUT_S = 30.0
HANG_S = 10.0
JOB_S = 240.0
PAUSE_S = 0.5
BETWEEN_JOBS_S = 5.0
API = "/api/v1"
ENDED = ("succeeded", "failed", "cancelled", "dead")
CSRF = re.compile('csrf-token" content="([^"]+)"')
TILE = "/tiles/footprints/{z}/{x}/{y}.png"


@dataclass
class Ledger:
    """What was asked and what came of it; written by several threads."""

    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each (kind of request, status or BROKEN) was seen."""
    longest_s: dict[str, float] = field(default_factory=dict)
    jobs: list[tuple[str, int]] = field(default_factory=list)
    """State, and number of footprints in the job's export."""
    wrong: list[str] = field(default_factory=list)
    """What must never be, in words."""

    def note(self, kind: str, status: str, took_s: float) -> None:
        """Note an answer."""
        self.statuses[kind, status] += 1
        if status != BROKEN:
            self.longest_s[kind] = max(self.longest_s.get(kind, 0.0), took_s)
        if status not in AGAIN and not status.startswith(("2", "3")):
            self.wrong.append(f"{kind}: {status}")


@dataclass
class Program:
    """Something that sends requests to one server, and asks again where it must."""

    url: str
    headers: dict[str, str]
    ledger: Ledger
    ends_at: float
    """On the monotonic clock; what was begun before is brought to its end."""

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, headers=self.headers, timeout=TIMEOUT_S)

    @property
    def goes_on(self) -> bool:
        """Tell whether there is time for more."""
        return time.monotonic() < self.ends_at

    def ask(self, kind: str, method: str, path: str, **more: Any) -> httpx.Response | None:
        """Send one request; None where the connection broke."""
        began = time.perf_counter()
        try:
            answer = self.client.request(method, path, **more)
        except httpx.TransportError:
            self.ledger.note(kind, BROKEN, time.perf_counter() - began)
            return None
        self.ledger.note(kind, str(answer.status_code), time.perf_counter() - began)
        return answer

    def ask_until_answered(self, kind: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request until it is answered with more than `busy`. Raises `TimeoutError` where it never is."""
        until = time.monotonic() + JOB_S
        while time.monotonic() < until:
            answer = self.ask(kind, method, path, **more)
            if answer is not None and str(answer.status_code) not in AGAIN:
                return answer
            time.sleep(PAUSE_S)
        raise TimeoutError(kind)


def look_around(program: Program, seed: int, box: tuple[float, float, float, float], a_second: float) -> None:
    """Ask for lists, figures, tiles and single footprints, so many a second at most."""
    chance = random.Random(seed)
    west, south, east, north = box
    while program.goes_on:
        began = time.monotonic()
        kind = chance.choice(["list", "statistics", "view", "tile", "jobs", "health", "page of the list"])
        w, s = chance.uniform(west, east), chance.uniform(south, north)
        around = f"{w:.5f},{s:.5f},{w + 0.01:.5f},{s + 0.01:.5f}"
        path = {
            "list": f"{API}/buildings?bbox={around}&limit=100",
            "statistics": f"{API}/buildings/statistics/overview?min_confidence={chance.random() / 10:.4f}",
            "view": f"/tiles/footprints/view.png?bbox={around}&width=600&height=400",
            "tile": TILE.format(z=12, x=chance.randint(0, 4095), y=chance.randint(0, 4095)),
            "jobs": f"{API}/jobs?limit=50",
            "health": "/health/ready",
            "page of the list": f"{API}/buildings?limit=1000&f=csv",
        }[kind]
        program.ask(kind, "GET", path)
        time.sleep(max(0.0, began + 1 / a_second - time.monotonic()))


def work_through_jobs(program: Program, scene: Path) -> None:
    """Send a scene, wait, count, export, compare, and remove it all; again and again."""
    while program.goes_on:
        try:
            _one_job(program, scene)
            time.sleep(BETWEEN_JOBS_S)
        except TimeoutError as error:
            program.ledger.wrong.append(f"never answered: {error}")


def _one_job(program: Program, scene: Path) -> None:
    accepted = program.ask_until_answered(
        "upload", "POST", f"{API}/ml-processing/upload-image", headers={"Idempotency-Key": str(uuid.uuid4())},
        files={"file": (scene.name, scene.read_bytes())}, data={"min_confidence": "0.1"},
    )  # fmt: skip
    if accepted.status_code != 202:
        return
    job_id, scene_id = accepted.json()["job_id"], accepted.json()["scene_id"]
    job = _ended(program, "task status", f"{API}/ml-processing/task-status/{job_id}", "status")
    listed = program.ask_until_answered("count", "GET", f"{API}/buildings?job_id={job_id}&limit=1&count=true").json()
    exported = _exported(program, job_id)
    if not listed["numberMatched"] == job["footprint_count"] == exported:
        program.ledger.wrong.append(f"told {job['footprint_count']}, stored {listed['numberMatched']}, got {exported}")
    program.ledger.jobs.append((job["status"], exported))
    program.ask_until_answered("delete job", "DELETE", f"{API}/jobs/{job_id}")
    program.ask_until_answered("delete scene", "DELETE", f"{API}/scenes/{scene_id}")


def _exported(program: Program, job_id: str) -> int:
    body, key = {"job_id": job_id, "format": "geojson"}, {"Idempotency-Key": str(uuid.uuid4())}
    made = program.ask_until_answered("export", "POST", f"{API}/exports", json=body, headers=key).json()
    export = _ended(program, "export status", f"{API}/exports/{made['id']}", "state")
    if export["state"] != "succeeded":
        program.ledger.wrong.append(f"export {export['state']}: {export['error_code']}")
        return -1
    found = program.ask_until_answered("download", "GET", export["file_url"]).json()
    program.ask_until_answered("delete export", "DELETE", f"{API}/exports/{made['id']}")
    return len(found["features"])


def _ended(program: Program, kind: str, path: str, name: str) -> dict[str, Any]:
    until = time.monotonic() + JOB_S
    while time.monotonic() < until:
        found: dict[str, Any] = program.ask_until_answered(kind, "GET", path).json()
        if found[name] in ENDED:
            return found
        time.sleep(PAUSE_S)
    raise TimeoutError(f"{kind}: {found[name]}")


def come_and_go(program: Program, name: str, password: str, every_s: float) -> None:
    """Sign in as a person and as a program, open all pages, renew the token, sign out."""
    while program.goes_on:
        began = time.monotonic()
        program.client.cookies.clear()
        form = {"username": name, "password": password}
        program.ask("sign in", "POST", "/login", data=form, headers={"Origin": program.url})
        for path in ("/", "/upload", "/jobs", "/account"):
            program.ask("page", "GET", path)
        docs = program.ask("docs", "GET", "/docs")
        found = CSRF.search(docs.text) if docs is not None else None
        if found is not None:  # the sign-in may have met a server that was just killed
            program.ask("sign out", "POST", "/logout", headers={"X-CSRF-Token": found[1]})
        program.client.cookies.clear()
        tokens = program.ask("login", "POST", f"{API}/auth/login", json=form)
        if tokens is not None and tokens.status_code == 200:
            body = {"refresh_token": tokens.json()["refresh_token"]}
            program.ask("refresh", "POST", f"{API}/auth/refresh-token", json=body)
        time.sleep(max(0.0, began + every_s - time.monotonic()))


def started(*tasks: threading.Thread) -> list[threading.Thread]:
    """Start threads; return them."""
    for task in tasks:
        task.start()
    return list(tasks)
