"""What Prometheus reads: who may ask, what it says, and what it never says."""

import base64
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, text, update

from auth.principals import SYSTEM, Scope
from models.job import ProcessingJob
from tests.support.jobs import submit
from tests.support.people import make_person
from tests.webapp.api.made_results import make_result
from tests.webapp.exported import made_export
from webapp.queue import EXPORT_QUEUE, QUEUE_NAME
from webapp.services.api_keys import create_key
from webapp.services.health import note_worker
from webapp.services.index_feeding import feed_indexes
from webapp.version import product_version

MOST_PROCESSOR_S = 0.1


def basic(key):
    return {"Authorization": "Basic " + base64.b64encode(f"prometheus:{key}".encode()).decode()}


def values_of(answer):
    """Return {(name, label values in the order of their names): value}."""
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def test_only_administrators_read_figures_however_they_sign_in(sqlite_api, alice, administrator):
    api, resources = sqlite_api, sqlite_api.resources
    watcher = create_key(resources, administrator, "prometheus", {Scope.READ, Scope.ADMIN}).key
    too_little = create_key(resources, administrator, "reader", {Scope.READ}).key
    not_theirs = create_key(resources, alice, "of alice", {Scope.READ}).key
    let_in = [
        api.program(administrator),
        api.browser(administrator),
        api.anonymous(**{"X-API-Key": watcher}),
        api.anonymous(**basic(watcher)),
    ]
    assert [client.get("/metrics").status_code for client in let_in] == [200] * 4
    assert let_in[3].get("/metrics").headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    kept_out = [
        (api.program(alice), 403, "Forbidden"),
        (api.anonymous(**basic(not_theirs)), 403, "Forbidden"),
        (api.anonymous(**basic(too_little)), 403, "Forbidden"),
        (api.anonymous(**{"X-API-Key": too_little}), 403, "Forbidden"),
        (api.anonymous(**basic(watcher[:-1])), 401, "NotSignedIn"),
        (api.anonymous(Accept="text/html"), 401, "NotSignedIn"),
    ]
    for client, status, code in kept_out:
        answer = client.get("/metrics")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert api.anonymous(**basic(watcher)).get("/api/v1/admin/users").status_code == 401  # a password is for reading


def test_figures_are_those_of_the_tables(serve, make_resources, broker, administrator, alice, tmp_path):
    resources = make_resources(redis_url=broker.url)
    api = serve(resources)
    result = make_result(resources, alice, tmp_path)
    made_export(resources, alice, result.job_id)
    waiting = submit(resources, alice)
    feed_indexes(resources, [None])
    note_worker(resources, "main@host", 1, [QUEUE_NAME])
    with broker.client() as client:
        client.lpush(EXPORT_QUEUE, "one", "two")
    with resources.database.write(SYSTEM) as session:
        made_at = ProcessingJob.created_at - 100
        session.execute(update(ProcessingJob).where(ProcessingJob.id == waiting.id).values(created_at=made_at))
    statements = []
    event.listen(resources.database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    values = values_of(api.program(administrator).get("/metrics"))
    assert not [one for one in statements if "building_footprints" in one]
    expected = {
        ("footprints_build_info", product_version()): 1,
        ("footprints_jobs", "extraction", "succeeded"): 1,
        ("footprints_jobs", "extraction", "queued"): 1,
        ("footprints_jobs", "extraction", "failed"): 0,
        ("footprints_jobs", "import", "queued"): 0,
        ("footprints_outbox_unsent",): 2,
        ("footprints_exports", "succeeded"): 1,
        ("footprints_exports", "queued"): 0,
        ("footprints_workers", QUEUE_NAME): 1,
        ("footprints_workers", EXPORT_QUEUE): 0,
        ("footprints_queue_length", QUEUE_NAME): 0,
        ("footprints_queue_length", EXPORT_QUEUE): 2,
        ("footprints_buildings_indexed",): result.footprint_count,
        ("footprints_part_up", "database"): 1,
        ("footprints_part_up", "broker"): 1,
        ("footprints_part_up", "disk"): 1,
        ("footprints_database_connections_in_use",): 0,
        ("footprints_open_pages",): 0,
        ("footprints_http_requests_in_flight",): 1,
    }
    assert {key: values[key] for key in expected} == expected
    assert 100 <= values["footprints_oldest_queued_job_age_seconds",] < 200
    assert values["footprints_free_disk_bytes",] > 0
    assert values["process_resident_memory_bytes",] > 10**7


def test_requests_are_counted_by_the_route_as_it_is_declared(sqlite_api, alice, administrator):
    client, admin = sqlite_api.program(alice), sqlite_api.program(administrator)
    admin.get("/metrics")
    for path in ("/api/v1/jobs/secret-one", "/api/v1/jobs/secret-two", "/api/v1/jobs?state=secret-three"):
        client.get(path)
    for path in ("/secret-four", "/assets/css/secret-five.css", "/tiles/base/1/2/secret-six.png", "/a//secret-seven"):
        client.get(path)
    client.request("PROPFIND", "/api/v1/jobs")
    client.post("/api/v1/jobs/secret-nine/cancel")
    sqlite_api.anonymous().get("/api/v1/jobs/secret-ten")
    answer = admin.get("/metrics")
    values = values_of(answer)
    assert "secret" not in answer.text.lower()
    assert values["footprints_http_requests_total", "GET", "/api/v1/jobs/{job_id}", "4xx"] == 2
    assert values["footprints_http_request_duration_seconds_count", "GET", "/api/v1/jobs/{job_id}", "4xx"] == 2
    assert values["footprints_http_requests_total", "POST", "/api/v1/jobs/{job_id}/cancel", "4xx"] == 1
    assert values["footprints_http_requests_total", "GET", "/assets/", "4xx"] == 1
    assert values["footprints_http_requests_total", "GET", "/metrics", "2xx"] == 1
    counted = {key[1:]: value for key, value in values.items() if key[0] == "footprints_http_requests_total"}
    assert {route for _, route, _ in counted} == {
        "none",
        "/assets/",
        "/metrics",
        "/api/v1/jobs",
        "/api/v1/jobs/{job_id}",
        "/api/v1/jobs/{job_id}/cancel",
        "/tiles/base/{z}/{x}/{y}.png",
    }
    assert {method for method, *_ in counted} == {"GET", "POST", "other"}
    assert sum(counted.values()) == 11  # the ten above and the first look at the figures


def test_names_and_secrets_are_never_told(sqlite_api, administrator):
    resources = sqlite_api.resources
    person = make_person(resources, "canary-person")
    key = create_key(resources, person, "canary-key", {Scope.READ}).key
    job = submit(resources, person)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE scenes SET name = 'canary-scene.tif'"))
        session.execute(text("UPDATE file_storage SET name = 'canary-file.tif'"))
    note_worker(resources, "canary-host", 1)
    sqlite_api.anonymous(**{"X-API-Key": key}).get(f"/api/v1/jobs/{job.id}?canary-query=1")
    said = sqlite_api.program(administrator).get("/metrics").text
    secret = resources.settings.secret_key_bytes.decode()
    for hidden in ("canary", key, key[:12], job.id, job.scene_id, secret, str(resources.settings.data_dir)):
        assert hidden not in said


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_figures_come_also_while_the_broker_hangs(serve, make_resources, broker, administrator):
    resources = make_resources(redis_url=broker.url)
    client = serve(resources).program(administrator)
    broker.freeze()
    began = time.monotonic()
    values = values_of(client.get("/metrics"))
    assert time.monotonic() - began < 4
    broker.thaw()
    assert values["footprints_part_up", "broker"] == 0
    assert values["footprints_part_up", "database"] == 1
    assert not [key for key in values if key[0] == "footprints_queue_length"]
    assert ("footprints_jobs", "extraction", "queued") in values


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_figures_cost_little_when_every_route_was_called(serve, make_resources, broker, administrator):
    api = serve(make_resources(redis_url=broker.url))
    client = api.program(administrator)
    with httpx.Client(base_url=api.url) as nobody:
        for path, item in client.get("/api/v1/openapi.json").json()["paths"].items():
            for method in item:
                client.request(method, path) if method == "get" else nobody.request(method, path)
    client.get("/metrics")
    began, scrapes = time.process_time(), 5
    for _ in range(scrapes):
        answer = client.get("/metrics")
    spent_s = (time.process_time() - began) / scrapes
    assert answer.text.count("\n") > 500
    assert spent_s < MOST_PROCESSOR_S
