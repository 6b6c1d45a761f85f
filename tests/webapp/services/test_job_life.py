"""Random lives of jobs against a model that a person can check by reading."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select, text

from models.footprint import BuildingFootprint
from models.job import JobPart, OutboxEntry, ProcessingJob
from models.job_states import TERMINAL, JobState
from tests.support.footprints import part_of
from tests.support.jobs import add_scene, submit
from webapp.errors import BrokerUnavailable, LeaseLost
from webapp.services import dispatch, jobs, leases
from webapp.services.claims import Claim, JobError

PARTS = 3
MAX_ATTEMPTS = 3
MOST_JOBS = 2
STEPS, RUNS = 50, 20


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
    """Set `resources` and `alice` on a subclass."""

    resources = None
    alice = None
    submitted = Bundle("submitted")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.expected: dict[str, Expected] = {}
        self.scene_id = add_scene(self.resources, self.alice)

    @initialize(target=submitted)
    def submit_first(self) -> str:
        return self.submit()

    @precondition(lambda self: len(self.expected) < MOST_JOBS)
    @rule(target=submitted)
    def submit_another(self) -> str:
        return self.submit()

    def submit(self) -> str:
        job_id = submit(self.resources, self.alice, self.scene_id).id
        self.expected[job_id] = Expected()
        return job_id

    @rule(target=claims, job_id=submitted)
    def claim(self, job_id: str) -> Claim | MultipleResults:
        job = self.expected[job_id]
        claim = leases.claim(self.resources, job_id, "worker")
        allowed = job.state == "queued" and job.attempt < MAX_ATTEMPTS and not job.wish
        assert (claim is not None) == allowed
        if claim is not None:
            job.move("running")
            job.attempt += 1
            job.epoch += 1
            assert (claim.attempt, claim.lease_epoch) == (job.attempt, job.epoch)
        return multiple() if claim is None else claim

    def holds(self, claim: Claim) -> bool:
        job = self.expected[claim.job_id]
        return job.state == "running" and job.epoch == claim.lease_epoch

    @rule(claim=claims)
    def beat(self, claim: Claim) -> None:
        beat = leases.heartbeat(self.resources, claim)
        assert beat.lost == (not self.holds(claim))
        if not beat.lost:
            self.expected[claim.job_id].expired = False
            assert beat.cancel_requested == self.expected[claim.job_id].wish

    @rule(claim=claims, part=st.integers(0, PARTS - 1))
    def save(self, claim: Claim, part: int) -> None:
        job = self.expected[claim.job_id]
        if not self.holds(claim):
            with pytest.raises(LeaseLost):
                leases.save_part(self.resources, claim, part_of(part, PARTS))
            return
        assert leases.save_part(self.resources, claim, part_of(part, PARTS)).cancel_requested == job.wish
        job.expired = False
        job.parts.add(part)
        job.footprints.add(part)

    @rule(claim=consumes(claims), failed=st.booleans())
    def finish(self, claim: Claim, failed: bool) -> None:
        state, error = (JobState.FAILED, JobError("X", "x")) if failed else (JobState.SUCCEEDED, None)
        if not self.holds(claim):
            with pytest.raises(LeaseLost):
                leases.finish(self.resources, claim, state, error)
            return
        job = self.expected[claim.job_id]
        ended = leases.finish(self.resources, claim, state, error)
        assert ended == ("failed" if failed else "cancelled" if job.wish else "succeeded")
        job.move(str(ended))

    @rule(claim=claims, counted=st.booleans())
    def hand_back(self, claim: Claim, counted: bool) -> None:
        if not self.holds(claim):
            with pytest.raises(LeaseLost):
                leases.hand_back(self.resources, claim, "back", counted=counted)
            return
        job = self.expected[claim.job_id]
        state = leases.hand_back(self.resources, claim, "back", counted=counted)
        expected = "cancelled" if job.wish else "dead" if counted and job.attempt >= MAX_ATTEMPTS else "queued"
        assert state == expected
        job.move(expected)
        if expected == "queued" and not counted:
            job.attempt -= 1

    @rule(job_id=submitted)
    def cancel(self, job_id: str) -> None:
        job = self.expected[job_id]
        view = jobs.cancel_job(self.resources, self.alice, job_id)
        if job.state not in TERMINAL:
            job.wish = True
            if job.state == "queued":
                job.move("cancelled")
        assert view.state == job.state

    @rule(job_id=submitted)
    def let_lease_run_out(self, job_id: str) -> None:
        with self.resources.database.write() as session:
            statement = text("UPDATE processing_jobs SET lease_until = lease_until - 1000 WHERE id = :id")
            session.execute(statement, {"id": job_id})
        self.expected[job_id].expired = self.expected[job_id].state == "running"

    @rule(target=claims, job_id=submitted)
    def lose_and_take_again(self, job_id: str) -> Claim | MultipleResults:
        self.let_lease_run_out(job_id)
        self.reconcile()
        return self.claim(job_id)

    @rule()
    def reconcile(self) -> None:
        dispatch.reconcile(self.resources)
        for job in self.expected.values():
            if job.state == "running" and job.expired:
                job.move("cancelled" if job.wish else "dead" if job.attempt >= MAX_ATTEMPTS else "queued")

    @rule(breaks=st.booleans())
    def relay(self, breaks: bool) -> None:
        """There is no broker here: sending fails, and nothing may be noted as sent."""
        with self.resources.database.read() as session:
            waiting = session.scalar(select(func.count(OutboxEntry.id)).where(OutboxEntry.published_at.is_(None)))
        if breaks or not waiting:
            assert dispatch.publish_outbox(self.resources) == 0
        with pytest.raises(BrokerUnavailable):
            self.resources.queue.waiting()

    @invariant()
    def rows_are_as_expected(self) -> None:
        with self.resources.database.read() as session:
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
    machine = type("Lives", (JobLives,), {"resources": resources, "alice": alice})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
