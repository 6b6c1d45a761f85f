"""Schemathesis over every operation of a running server, for one kind of person."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.transport.serialization import serialize_binary

from auth.principals import Role
from tests.contract.excuses import codes_of, excuse_for, problem_of
from tests.contract.things import BODIES, HEADERS, QUERIES, UPLOADS, Things
from tests.contract.world import World

SEED = 20_261_123


@dataclass(frozen=True)
class Plan:
    """How many calls: `examples` a phase and operation, and in which phases."""

    examples: int
    phases: tuple[str, ...] = ("examples", "coverage", "fuzzing", "stateful")

    def config(self, url: str) -> SchemathesisConfig:
        """Return it in the library's form: fixed seed, nothing kept from run to run, all checks."""
        generation = {"max-examples": self.examples, "deterministic": True, "database": "none", "no-shrink": True}
        phases = {name: {"enabled": name in self.phases} for name in ("examples", "coverage", "fuzzing", "stateful")}
        values = {
            "seed": SEED,
            "base-url": url,
            "generation": generation,
            "phases": phases,
            "continue-on-failure": True,
            "request-timeout": 60,
        }
        return SchemathesisConfig.from_dict(values)


@dataclass
class Tally:
    """What came of the calls. `statuses`: how often each, by operation."""

    calls: int = 0
    checks: int = 0
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    breaks: list[str] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    @property
    def server_errors(self) -> int:
        """How many answers had a status of 500 and above."""
        return sum(number for found in self.statuses.values() for status, number in found.items() if status >= 500)

    @property
    def succeeded(self) -> list[str]:
        """The operations that were answered with success at least once."""
        return [name for name, found in self.statuses.items() if any(200 <= status < 300 for status in found)]

    def operations_left_out(self, document: dict[str, Any]) -> int:
        """How many operations of the document were not answered once."""
        listed = {one["operationId"] for item in document["paths"].values() for one in item.values()}
        return len(listed - set(self.statuses))

    def take(self, event: events.ScenarioFinished) -> None:
        """Count a scenario."""
        recorder = event.recorder
        for case_id, interaction in recorder.interactions.items():
            if interaction.response is None:
                self.errors.append(f"{recorder.label}: no answer")
                continue
            self.calls += 1
            case = recorder.cases[case_id].value
            self.statuses.setdefault(_name(case), Counter())[interaction.response.status_code] += 1
        for nodes in recorder.checks.values():
            self.checks += len(nodes)
            for node in nodes:
                if node.failure_info is not None:
                    self.breaks.append(_described(node.name, node.failure_info))


def make_calls(url: str, document: dict[str, Any], world: World, role: Role | None, plan: Plan) -> Tally:
    """Call everything as a person of a role, or as nobody."""
    world.enter(role)
    things, tally = Things(world), Tally()
    schema = schemathesis.openapi.from_dict(document, config=plan.config(url))
    schema.hook("filter_failure")(lambda context, failure, case, response: not _excused(tally, failure, case, response))
    if role is not None:
        schema.auth(refresh_interval=None)(_signing_in(world))
    with fed_by(Feeder(things)):
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                tally.take(event)
            elif isinstance(event, events.NonFatalError):
                tally.errors.append(f"{event.label}: {event.value!r}")
            elif isinstance(event, events.FatalError):
                raise event.exception
    return tally


@schemathesis.serializer("image/tiff", "application/offset+octet-stream")
def _as_it_is(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else serialize_binary(value)


@schemathesis.check
def documented_error_code(context: Any, response: Any, case: Any) -> None:
    """Fail on an error whose code the operation does not list for its status."""
    problem, listed = problem_of(response), codes_of(case, response.status_code)
    if problem and listed is not None and problem["code"] not in listed:
        message = f"{problem['code']} is not listed for {response.status_code}"
        raise Failure(operation=case.operation.label, title="Undocumented error code", message=message)


class Feeder:
    """Puts real values into calls that are meant to be right; those that are meant to be wrong stay as they are."""

    def __init__(self, things: Things) -> None:
        self._things = things
        self._fed: Counter[str] = Counter()

    def feed(self, case: Any, kwargs: dict[str, Any]) -> None:
        """Feed a call, of four of an operation: the first gets what it takes to succeed, and nothing else; the second
        all that is known; the third ids alone; the last is left as it is.
        """
        if case.meta is None or not case.meta.generation.mode.is_positive:
            return
        name = _name(case)
        turn = self._fed[name] % 4
        self._fed[name] += 1
        if turn == 3:
            return
        self._feed_path(case, name)
        if turn == 2:
            self._feed(case.body if isinstance(case.body, dict) else {}, name)
            return
        if turn == 0:
            needed = {one.name for one in case.operation.query if one.is_required}
            case.query = {key: value for key, value in case.query.items() if key in needed} | QUERIES.get(name, {})
        self._feed(case.query, name)
        case.headers.update(HEADERS.get(name, {}))
        if name in UPLOADS and turn == 0:  # once: each file that is right costs a second
            kwargs.update(UPLOADS[name](self._things))
        elif case.operation.body and name not in UPLOADS:
            self._feed_body(case, name)

    def _feed_body(self, case: Any, name: str) -> None:
        if name in BODIES:
            case.body = BODIES[name](self._things)
        elif isinstance(case.body, dict):
            self._feed(case.body, name)

    def _feed_path(self, case: Any, name: str) -> None:
        linked = getattr(case._override, "path_parameters", None) or {}
        if not linked:
            self._feed(case.path_parameters, name)

    def _feed(self, values: Any, name: str) -> None:
        for field_name in list(values or ()):
            known = next((one for one in (f"{name}.{field_name}", field_name) if self._things.knows(one)), None)
            if known is not None and values[field_name] is not None:
                values[field_name] = self._things.value_of(known)


@contextmanager
def fed_by(feeder: Feeder) -> Iterator[None]:
    """Let a feeder see every call; the library knows this hook for all schemas at once only."""

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        feeder.feed(case, kwargs)

    schemathesis.hook("before_call")(before_call)
    try:
        yield
    finally:
        schemathesis.hooks.unregister(before_call)


def _signing_in(world: World) -> type:
    class Provider:
        """An access token for each call, so that one that ends the session does not spoil the next."""

        def get(self, case: Any, context: Any) -> str:
            return world.token()

        def set(self, case: Any, data: str, context: Any) -> None:
            case.headers["Authorization"] = f"Bearer {data}"

    return Provider


def _excused(tally: Tally, failure: Any, case: Any, response: Any) -> bool:
    excuse = excuse_for(failure, case, response)
    if excuse is not None:
        tally.excused[excuse.reason] += 1
    return excuse is not None


def _name(case: Any) -> str:
    return str(case.operation.definition.raw["operationId"])


def _described(check: str, found: Any) -> str:
    return f"{check}: {found.failure.operation}: {found.failure.title}: {found.failure.message}\n{found.code_sample}"
