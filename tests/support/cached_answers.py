"""People who look, change things and lose rights in random order: does a cache ever answer what is no longer so?

Each answer is compared with the answer to the same question once all that the process remembers is taken away. An
answer of "not modified" has to be one to a tag that the fresh answer carries, whoever was given that tag before.
"""

import random
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from auth.principals import Principal, Role
from models.job_states import JobState
from tests.support.footprints import part_of, squares
from tests.support.jobs import submit
from tests.support.people import make_person
from webapp.api.identity import COOKIE, Identifier
from webapp.api.main import create_app
from webapp.resources import Resources
from webapp.services import footprint_index, footprint_sums, footprints, leases, sessions
from webapp.services.footprints import FootprintQuery
from webapp.services.index_feeding import feed_indexes

WEST, SOUTH, SPREAD = 10.0, 49.9, 0.1
BUILDINGS = 6
VOLATILE = re.compile(rb'"(timeStamp|request_id|instance|last_seen_at|last_used_at|expires_at)": ?"[^"]*",? ?')
QUESTIONS = (
    "/api/v1/buildings?limit=10",
    "/api/v1/buildings?count=true&limit=1",
    "/api/v1/buildings?job_id={job}&count=true&limit=3",
    "/api/v1/buildings/{building}",
    "/api/v1/buildings/statistics/overview",
    "/api/v1/buildings/statistics/overview?job_id={job}",
    "/api/v1/buildings/statistics/overview?min_confidence=0.7",
    "/api/v1/buildings/statistics/view?bbox=9,49,11,51",
    "/api/v1/buildings/export?job_id={job}&format=csv",
    "/api/v1/jobs",
    "/api/v1/jobs/{job}",
    "/api/v1/scenes",
    "/api/v1/exports",
    "/api/v1/auth/me",
    "/api/v1/admin/users",
    "/tiles/footprints/8/135/86.png",
    "/tiles/footprints/8/135/86.mvt",
    "/tiles/footprints/8/135/86.mvt?job_id={job}",
    "/tiles/footprints/8/135/86.png?min_confidence=0.7",
    "/tiles/footprints/view.png?bbox=9.9,49.8,10.2,50.1&width=64&height=64",
    "/tiles/footprints/tiles.json",
    "/ogc/collections",
    "/ogc/collections/job-{job}/items?limit=4",
)  # fmt: skip


@dataclass
class Tally:
    """How many answers were compared, how many came as "not modified", what was changed how often, what was wrong."""

    compared: int = 0
    not_modified: int = 0
    changes: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Visitor:
    """Somebody with a token or a cookie; nobody where there is no principal."""

    name: str
    principal: Principal | None
    headers: dict[str, str]


class Interleaving:
    """An installation with two users, an administrator and a stranger, and the random order of what they do."""

    def __init__(self, resources: Resources, seed: int) -> None:
        self.tally = Tally()
        self._resources, self._random = resources, random.Random(seed)
        self._app = create_app(resources)
        self._known_people = identifier_of(self._app)._kept
        people = [make_person(resources, name) for name in ("alice", "bob")]
        people.append(make_person(resources, "root", Role.ADMIN))
        self._visitors = [Visitor(one.username, one, self._signed_in(one)) for one in people]
        self._visitors.append(Visitor("nobody", None, {}))
        self._jobs: list[str] = []
        self._buildings: list[int] = []
        self._tags: dict[str, set[str]] = {}
        for person in people[:2]:
            self._find(person)

    async def live(self, steps: int) -> Tally:
        """Take so many steps; about one in eight changes something."""
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for _ in range(steps):
                if self._random.random() < 0.12:
                    await self._change(client)
                else:
                    await self._compare(client)
        return self.tally

    async def _compare(self, client: httpx.AsyncClient) -> None:
        visitor, question = self._random.choice(self._visitors), self._random.choice(QUESTIONS)
        url = question.format(job=self._random.choice(self._jobs[-3:]), building=self._some_building())
        tags = self._tags.setdefault(url, set())
        sent = ", ".join(sorted(tags)) if tags and self._random.random() < 0.7 else ""
        conditional = {"If-None-Match": sent} if sent else {}
        remembered = await client.get(url, headers=visitor.headers | conditional)
        with self._nothing_remembered():
            fresh = await client.get(url, headers=visitor.headers)
        self.tally.compared += 1
        same = content_of(remembered) == content_of(fresh)
        if remembered.status_code == 304:
            self.tally.not_modified += 1
            same = fresh.status_code == 200 and fresh.headers.get("etag") in tags
        if not same or fresh.status_code >= 500:
            self.tally.wrong.append(f"{visitor.name} {url}: {remembered.status_code} then {fresh.status_code}")
        if "etag" in fresh.headers:
            tags.add(fresh.headers["etag"])

    async def _change(self, client: httpx.AsyncClient) -> None:
        changes: list[Callable[[httpx.AsyncClient], Awaitable[None]]] = [
            self._more_footprints, self._delete_job, self._edit, self._delete_building, self._change_role,
            self._disable, self._end_sessions,
        ]  # fmt: skip
        change = self._random.choice(changes)
        name = change.__name__.strip("_")
        self.tally.changes[name] = self.tally.changes.get(name, 0) + 1
        await change(client)
        feed_indexes(self._resources)

    async def _more_footprints(self, client: httpx.AsyncClient) -> None:
        self._find(self._user().principal)

    async def _delete_job(self, client: httpx.AsyncClient) -> None:
        if len(self._jobs) > 2:
            await client.delete(f"/api/v1/jobs/{self._random.choice(self._jobs)}", headers=self._administrator.headers)

    async def _edit(self, client: httpx.AsyncClient) -> None:
        url, headers = f"/api/v1/buildings/{self._some_building()}", self._administrator.headers
        found = await client.get(url, headers=headers)
        if found.status_code == 200:
            state = self._random.choice(["accepted", "rejected"])
            headers |= {"If-Match": found.headers["etag"]}
            changed = await client.put(url, json={"review_state": state}, headers=headers)
            assert changed.status_code == 200, changed.text

    async def _delete_building(self, client: httpx.AsyncClient) -> None:
        await client.delete(f"/api/v1/buildings/{self._some_building()}", headers=self._administrator.headers)

    async def _change_role(self, client: httpx.AsyncClient) -> None:
        await self._administer(client, self._user(), role=self._random.choice(["user", "premium", "admin"]))

    async def _disable(self, client: httpx.AsyncClient) -> None:
        await self._administer(client, self._user(), is_active=self._random.random() < 0.6)

    async def _end_sessions(self, client: httpx.AsyncClient) -> None:
        """Sign somebody out who may or may not be signed in, and in again where that is allowed."""
        visitor = self._user()
        await client.delete("/api/v1/auth/sessions", headers=visitor.headers)
        await self._administer(client, visitor, is_active=True)
        if self._random.random() < 0.7:
            visitor.headers = self._signed_in(visitor.principal)

    async def _administer(self, client: httpx.AsyncClient, visitor: Visitor, **change: object) -> None:
        url = f"/api/v1/admin/users/{visitor.principal.user_id}"
        answer = await client.patch(url, json=change, headers=self._administrator.headers)
        assert answer.status_code == 200, answer.text

    def _find(self, person: Principal) -> None:
        """Commit the footprints of a new job."""
        claim = leases.claim(self._resources, submit(self._resources, person).id, "w")
        seed = self._random.randrange(10**6)
        leases.save_part(self._resources, claim, part_of(0, 1, squares(BUILDINGS, seed, WEST, SOUTH)))
        leases.finish(self._resources, claim, JobState.SUCCEEDED)
        self._jobs.append(claim.job_id)
        query = FootprintQuery(job_id=claim.job_id)
        self._buildings += list(footprints.list_footprints(self._resources, person, query)["id"])
        feed_indexes(self._resources)

    def _signed_in(self, person: Principal) -> dict[str, str]:
        if self._random.random() < 0.5:
            return {"Authorization": f"Bearer {sessions.issue_tokens(self._resources, person).access_token}"}
        opened = sessions.open_browser_session(self._resources, person)
        return {"Cookie": f"{COOKIE}={opened.cookie_value}", "X-CSRF-Token": opened.csrf_token}

    def _some_building(self) -> int:
        """One of the newest: what most questions are about has to change often."""
        return int(self._random.choice(self._buildings[-2 * BUILDINGS :]))

    def _user(self) -> Visitor:
        return self._random.choice(self._visitors[:2])

    @property
    def _administrator(self) -> Visitor:
        return self._visitors[2]

    @contextmanager
    def _nothing_remembered(self) -> Iterator[None]:
        """Take away what the process remembers of people, sums and indexes for as long as the block lasts."""
        memories = (self._known_people, footprint_sums._of_databases, footprint_index._opened)
        kept = [dict(memory) for memory in memories]
        for memory in memories:
            memory.clear()
        yield
        for memory, content in zip(memories, kept, strict=True):
            memory.clear()
            memory.update(content)


def identifier_of(app: Any) -> Identifier:
    """Return what an application looks people up with, from beneath its layers."""
    while not hasattr(app, "state"):
        app = vars(app).get("_app") or vars(app)["_plain"]
    found: Identifier = app.state.identifier
    return found


def content_of(answer: httpx.Response) -> tuple[int, str | None, bytes]:
    """Return status, tag and body without what differs from moment to moment."""
    return answer.status_code, answer.headers.get("etag"), VOLATILE.sub(b"", answer.content)
