"""Random lives of jobs against a model that a person can check by reading."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select, text

from auth.principals import SYSTEM
from models.footprint import BuildingFootprint
from models.job import JobPart, OutboxEntry, ProcessingJob
from models.job_states import TERMINAL, JobState
from tests.support.footprints import part_of
from tests.support.jobs import add_scene, submit
from webapp.errors import LeaseLost
from webapp.services import dispatch, jobs, leases
from webapp.services.claims import Claim, JobError

PARTS = 3
MAX_ATTEMPTS = 3
OPEN_JOBS = 2
STEPS, RUNS, MOST_BATCHES = 50, 20, 6
PICK = st.integers(0, 1000)
STEPS_SEEN: Counter[tuple[str, bool]] = Counter()


@dataclass
class Expected:
    """What a job must look like."""

    state: str = "queued"
    attempt: int = 0
    epoch: int = 0
    wish: bool = False
    expired: bool = False
    parts: set[int] = field(default_factory=set)
    footprints: set[int] = field(default_factory=set)
    ends: int = 0

    def move(self, state: str) -> None:
        assert self.state not in TERMINAL
        self.state = state
        self.expired = False
        if state in TERMINAL:
            self.ends += 1
            self.parts = set()


class JobLives(RuleBasedStateMachine):
    """Workers, old ones among them, people and the reconciler act in any order on two unfinished jobs.

    Set `resources` and `alice` on a subclass.
    """

    resources = None
    alice = None

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[str, Expected] = {}
        self.claims: list[Claim] = []
        self.scene_id = add_scene(self.resources, self.alice)

    @rule(act=st.sampled_from(["claim", "claim", "lose", "lose", "cancel", "reconcile", "relay"]), pick=PICK)
    def the_world_acts(self, act: str, pick: int) -> None:
        open_jobs = [job_id for job_id, job in self.expected.items() if job.state not in TERMINAL]
        if len(open_jobs) < OPEN_JOBS:
            return self.submit()
        chosen = open_jobs if act != "cancel" or pick % 3 else list(self.expected)
        return getattr(self, act)(chosen[pick % len(chosen)])

    @precondition(lambda self: self.claims)
    @rule(
        act=st.sampled_from(
            ["beat", "beat", "save", "save", "save", "hand_back", "hand_back_uncounted", "succeed", "fail"]
        ),
        pick=PICK,
    )
    def a_worker_acts(self, act: str, pick: int) -> None:
        claim = self.claims[-1 - pick % min(len(self.claims), 4)]
        job = self.expected[claim.job_id]
        holds = job.state == "running" and job.epoch == claim.lease_epoch
        STEPS_SEEN[act, holds] += 1
        if holds:
            getattr(self, act)(claim, job)
        elif act == "beat":
            assert leases.heartbeat(self.resources, claim).lost
            assert leases.look(self.resources, claim).lost
        else:
            with pytest.raises(LeaseLost):
                getattr(self, act)(claim, job)

    def submit(self) -> None:
        self.expected[submit(self.resources, self.alice, self.scene_id).id] = Expected()

    def claim(self, job_id: str) -> None:
        job = self.expected[job_id]
        claim = leases.claim(self.resources, job_id, "worker")
        assert (claim is not None) == (job.state == "queued")
        if claim is not None:
            job.move("running")
            job.attempt += 1
            job.epoch += 1
            assert (claim.attempt, claim.lease_epoch) == (job.attempt, job.epoch)
            self.claims.append(claim)

    def lose(self, job_id: str) -> None:
        """The lease runs out; half of the time it is noticed before the worker speaks again."""
        with self.resources.database.write(SYSTEM) as session:
            statement = text("UPDATE processing_jobs SET lease_until = lease_until - 1000 WHERE id = :id")
            session.execute(statement, {"id": job_id})
        self.expected[job_id].expired = self.expected[job_id].state == "running"

    def reconcile(self, _: str) -> None:
        dispatch.reconcile(self.resources)
        for job in self.expected.values():
            if job.state == "running" and job.expired:
                job.move("cancelled" if job.wish else "dead" if job.attempt >= MAX_ATTEMPTS else "queued")

    def cancel(self, job_id: str) -> None:
        job = self.expected[job_id]
        view = jobs.cancel_job(self.resources, self.alice, job_id)
        if job.state not in TERMINAL:
            job.wish = True
            if job.state == "queued":
                job.move("cancelled")
        assert view.state == job.state

    def relay(self, _: str) -> None:
        """There is no broker here: sending fails, and nothing of a waiting job may be noted as sent."""
        assert dispatch.publish_outbox(self.resources) == 0
        waiting = select(func.count(OutboxEntry.id)).where(OutboxEntry.published_at.is_(None))
        queued = sum(job.state == "queued" for job in self.expected.values())
        with self.resources.database.read(SYSTEM) as session:
            assert session.scalar(waiting) >= queued

    def beat(self, claim: Claim, job: Expected) -> None:
        beat = leases.heartbeat(self.resources, claim)
        assert (beat.lost, beat.cancel_requested) == (False, job.wish)
        job.expired = False

    def save(self, claim: Claim, job: Expected) -> None:
        part = (claim.attempt + len(job.parts)) % PARTS
        assert leases.save_part(self.resources, claim, part_of(part, PARTS)).cancel_requested == job.wish
        job.expired = False
        job.parts.add(part)
        job.footprints.add(part)

    def succeed(self, claim: Claim, job: Expected) -> None:
        ended = leases.finish(self.resources, claim, JobState.SUCCEEDED)
        assert ended == ("cancelled" if job.wish else "succeeded")
        job.move(str(ended))

    def fail(self, claim: Claim, job: Expected) -> None:
        job.move(str(leases.finish(self.resources, claim, JobState.FAILED, JobError("X", "x"))))
        assert job.state == "failed"

    def hand_back(self, claim: Claim, job: Expected) -> None:
        state = leases.hand_back(self.resources, claim, "back", counted=True)
        assert state == ("cancelled" if job.wish else "dead" if job.attempt >= MAX_ATTEMPTS else "queued")
        job.move(str(state))

    def hand_back_uncounted(self, claim: Claim, job: Expected) -> None:
        state = leases.hand_back(self.resources, claim, "back", counted=False)
        assert state == ("cancelled" if job.wish else "queued")
        job.move(str(state))
        job.attempt -= state == "queued"

    @invariant()
    def rows_are_as_expected(self) -> None:
        with self.resources.database.read(SYSTEM) as session:
            rows = {row.id: row for row in session.scalars(select(ProcessingJob)) if row.id in self.expected}
            parts = _by_job(session, select(JobPart.job_id, func.count()).group_by(JobPart.job_id))
            found = _by_job(session, select(BuildingFootprint.job_id, func.count()).group_by(BuildingFootprint.job_id))
        for job_id, job in self.expected.items():
            row = rows[job_id]
            assert (row.state, row.attempt, row.lease_epoch) == (job.state, job.attempt, job.epoch)
            assert (row.finished_at is not None) == (job.state in TERMINAL)
            assert (row.lease_until is not None) == (job.state == "running")
            assert parts.get(job_id, 0) == len(job.parts)
            assert found.get(job_id, 0) == row.footprint_count == 4 * len(job.footprints)
            assert job.ends <= 1


def _by_job(session, statement) -> dict[str, int]:
    return dict(session.execute(statement).all())


def test_random_lives_of_jobs_follow_the_model(resources, alice):
    """First the same lives each time; others where these, which change with the code, leave out an act."""
    STEPS_SEEN.clear()
    machine = type("Lives", (JobLives,), {"resources": resources, "alice": alice})
    for attempt in range(MOST_BATCHES):
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                deadline=None,
                derandomize=attempt == 0,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
        if _all_acts() == set(STEPS_SEEN):
            break
    assert _all_acts() == set(STEPS_SEEN), "each act, held and lost"
    assert sum(STEPS_SEEN.values()) > STEPS * RUNS / 5


def _all_acts():
    acts = {act for act, _ in STEPS_SEEN}
    return {(act, holds) for act in acts for holds in (True, False)}
