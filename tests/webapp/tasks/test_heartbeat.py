import subprocess
import sys
import time

import pytest
from sqlalchemy import text

from auth.principals import SYSTEM
from tests.support.jobs import submit
from tests.support.processes import ROOT, environment, wait_until
from webapp.errors import DatabaseBusy
from webapp.services import dispatch, jobs, leases
from webapp.tasks.heartbeat import Heartbeat, HeldJob


@pytest.fixture
def quick(make_resources):
    return make_resources(lease_s=2.0, heartbeat_s=0.4)


@pytest.fixture
def claim(quick, alice):
    return leases.claim(quick, submit(quick, alice).id, "w")


def test_a_busy_worker_keeps_its_job_far_beyond_the_lease(quick, claim):
    with Heartbeat(quick, HeldJob(claim), lambda: False) as heart:
        ends_at = time.monotonic() + 3.5
        while time.monotonic() < ends_at:
            sum(number * number for number in range(20_000))  # holds the interpreter, as Python code does
            assert not heart.should_stop()
        assert dispatch.reconcile(quick).requeued == 0


def test_progress_is_written_between_parts(quick, alice, claim):
    leases.completed_parts(quick, claim, "w")
    leases.start(quick, claim, 0, 50)
    with Heartbeat(quick, HeldJob(claim), lambda: False) as heart:
        heart.on_window(7, 50)
        wait_until(lambda: jobs.get_job(quick, alice, claim.job_id).windows_done == 7, 5, "progress")


def test_a_cancel_and_a_loss_are_seen_within_seconds(quick, alice, claim):
    with Heartbeat(quick, HeldJob(claim), lambda: False) as heart:
        jobs.cancel_job(quick, alice, claim.job_id)
        wait_until(heart.should_stop, 3, "cancel seen")
        assert heart.beat.cancel_requested
        with quick.database.write(SYSTEM) as session:
            session.execute(text("UPDATE processing_jobs SET lease_epoch = lease_epoch + 1"))
        wait_until(lambda: heart.beat.lost, 3, "loss seen")


def test_a_shutdown_stops_the_work(quick, claim):
    with Heartbeat(quick, HeldJob(claim), lambda: True) as heart:
        assert heart.should_stop()
        assert not heart.beat.must_stop


def test_without_the_database_the_work_goes_on_as_long_as_the_lease(quick, claim, monkeypatch):
    def away(*_):
        raise DatabaseBusy()

    monkeypatch.setattr(leases, "heartbeat", away)
    monkeypatch.setattr(leases, "look", away)
    with Heartbeat(quick, HeldJob(claim), lambda: False) as heart:
        time.sleep(1.0)
        assert not heart.should_stop()
        wait_until(heart.should_stop, 5, "lease given up")
        assert heart.beat.lost


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_process_that_hangs_is_killed(make_resources, alice, tmp_path):
    resources = make_resources(lease_s=2.0, heartbeat_s=0.4, stall_s=1.5)
    job_id = submit(resources, alice).id
    code = (
        "import sys, time; from webapp.settings import load_settings; from webapp.resources import open_resources;"
        "from webapp.services import leases; from webapp.tasks.heartbeat import Heartbeat, HeldJob;"
        "resources = open_resources(load_settings()); claim = leases.claim(resources, sys.argv[1], 'w');"
        "heart = Heartbeat(resources, HeldJob(claim), lambda: False); heart.__enter__(); time.sleep(60)"
    )
    arguments = [sys.executable, "-c", code, job_id]
    hanging = subprocess.Popen(arguments, cwd=ROOT, env=environment(resources.settings), stderr=subprocess.DEVNULL)
    assert hanging.wait(timeout=40) == -9
    wait_until(lambda: dispatch.reconcile(resources).requeued == 1, 5, "requeued")
