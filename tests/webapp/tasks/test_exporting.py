"""A real worker writes exports, and is killed in the middle of one."""

import hashlib
import json
from contextlib import ExitStack
from contextvars import copy_context

import pytest

from tests.support.processes import DISPATCHER, environment, kill_group, running, wait_until
from tests.support.stored import finished_job
from webapp.export_errors import ExportNotReady
from webapp.request_context import RequestContext, enter_request
from webapp.services import export_files
from webapp.services.footprints import FootprintQuery

WORKER = ("-m", "celery", "-A", "webapp.exporter:app", "worker", "-Q", "exports", "--concurrency", "1")
FAST = {"lease_s": 3.0, "heartbeat_s": 0.3, "relay_s": 0.1, "reconcile_s": 0.2, "republish_s": 2.0}
FOOTPRINTS = 12_000


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_export_outlives_its_worker_and_no_half_of_it_is_ever_there(make_resources, alice, broker, tmp_path):
    resources = make_resources(redis_url=broker.url, broker_timeout_s=2.0, **FAST)
    job_id = finished_job(resources, alice, FOOTPRINTS)
    env = environment(resources.settings)

    def view():
        return export_files.get_export(resources, alice, export.id)

    with ExitStack() as processes:
        processes.enter_context(running(DISPATCHER, env, tmp_path / "dispatcher.log"))
        first = processes.enter_context(running((*WORKER, "-n", "a@test"), env, tmp_path / "a.log"))
        export = copy_context().run(submit_as_request, resources, alice, job_id, "asked-7")
        wait_until(lambda: view().state == "running" and view().rows_done > 0, 60, "half written", 0.02)
        kill_group(first)
        assert view().state == "running"
        with pytest.raises(ExportNotReady):
            export_files.export_file(resources, alice, export.id)
        assert list(resources.storage.entries()) == []
        wait_until(lambda: view().state == "queued", 30, "given back")
        processes.enter_context(running((*WORKER, "-n", "b@test"), env, tmp_path / "b.log"))
        wait_until(lambda: view().is_finished, 60, "finished")
    done = view()
    assert (done.state, done.attempt, done.rows_done) == ("succeeded", 2, FOOTPRINTS)
    file = export_files.export_file(resources, alice, export.id)
    assert hashlib.sha256(b"".join(file.read(0, file.size_bytes))).hexdigest() == done.sha256
    assert list((resources.settings.data_dir / "scratch").iterdir()) == []
    logs = [tmp_path / f"{name}.log" for name in ("dispatcher", "a", "b")]
    found = [json.loads(line) for log in logs for line in log.read_text().splitlines() if line.startswith("{")]
    about = [line for line in found if line.get("export_id") == export.id]
    assert {"export_sent", "export_put_right", "export_taken", "export_left"} <= {line["event"] for line in about}
    assert {line.get("request_id") for line in about} == {done.request_id} == {"asked-7"}


def submit_as_request(resources, person, job_id, request_id):
    """Ask for an export as the request of this id does."""
    enter_request(RequestContext(id=request_id))
    return export_files.submit_export(resources, person, FootprintQuery(job_id=job_id), "pmtiles")
