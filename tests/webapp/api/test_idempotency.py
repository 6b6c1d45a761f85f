"""Idempotency-Key: one job, one answer, nothing spent twice, on both databases; and what does not count as the same."""

import asyncio

import httpx
import pytest
from sqlalchemy import func, select, update

from auth.principals import SYSTEM
from models.base import now_s
from models.idempotency import IdempotencyKey
from models.job import ProcessingJob
from models.quota import QuotaUse
from tests.support.jobs import add_scene
from tests.support.own_loop import run_alone
from tests.support.processes import wait_until
from tests.support.rasters import grid_of_rectangles, write_scene
from webapp.services import jobs, maintenance

EXTRACT = "/api/v1/ml-processing/extract-buildings"
UPLOAD = "/api/v1/ml-processing/upload-image"
IMPORTS = "/api/v1/imports"
EXPORTS = "/api/v1/exports"
KEY = {"Idempotency-Key": "3f0c9a2e-once"}
REPLAYED = "Idempotency-Replayed"
SQUARE = b"""{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry":
{"type": "Polygon", "coordinates": [[[10, 50], [10.001, 50], [10.001, 50.001], [10, 50.001], [10, 50]]]}}]}"""


def count(resources, table, *conditions):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions))


def said(answer):
    return answer.status_code, answer.content, answer.headers["Location"]


def send_at_once(client, body, times):
    async def send_all():
        async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers, timeout=60) as crowd:
            return await asyncio.gather(*(crowd.post(EXTRACT, json=body, headers=KEY) for _ in range(times)))

    return run_alone(send_all())


def test_of_fifty_at_once_one_makes_a_job_and_all_get_its_answer(serve, make_resources, alice):
    api = serve(make_resources(free_jobs_per_hour=1))
    body = {"scene_id": add_scene(api.resources, alice)}
    answers = send_at_once(api.program(alice), body, 50)
    assert {said(answer) for answer in answers} == {said(answers[0])}
    assert answers[0].status_code == 202
    assert [answer.headers.get(REPLAYED) for answer in answers].count("true") == 49
    assert answers[0].json()["job_id"] == jobs.list_jobs(api.resources, alice)[0].id
    assert count(api.resources, ProcessingJob) == count(api.resources, QuotaUse) == 1


def test_the_same_key_of_somebody_else_or_on_another_route_or_for_another_request(api, alice, bob):
    hers, his = api.program(alice), api.program(bob)
    body = {"scene_id": add_scene(api.resources, alice), "parameters": {"min_confidence": 0.5}}
    first = hers.post(EXTRACT, json=body, headers=KEY)
    own = his.post(EXTRACT, json={"scene_id": add_scene(api.resources, bob)}, headers=KEY)
    assert (first.status_code, own.status_code) == (202, 202)
    assert own.json()["job_id"] != first.json()["job_id"]
    assert REPLAYED not in own.headers
    differs = hers.post(EXTRACT, json=body | {"parameters": {"min_confidence": 0.6}}, headers=KEY)
    assert (differs.status_code, differs.json()["code"]) == (422, "IdempotencyKeyReused")
    assert first.json()["job_id"] not in differs.text
    reordered = {"parameters": {"min_confidence": 0.5}, "aoi": None, "scene_id": body["scene_id"]}
    assert said(hers.post(EXTRACT, json=reordered, headers=KEY)) == said(first)
    exported = {"job_id": first.json()["job_id"], "format": "csv"}
    exports = [hers.post(EXPORTS, json=exported, headers=KEY) for _ in range(2)]
    assert said(exports[0]) == said(exports[1])
    assert exports[0].status_code == 202
    assert len(hers.get(EXPORTS).json()["exports"]) == 1
    assert count(api.resources, ProcessingJob) == 2


def test_a_refused_request_does_not_use_up_its_key_and_an_answer_outlives_what_it_tells_of(api, alice):
    client, scene_id = api.program(alice), add_scene(api.resources, alice)
    refused = client.post(EXTRACT, json={"scene_id": "nothing"}, headers=KEY)
    assert (refused.status_code, count(api.resources, IdempotencyKey)) == (404, 0)
    made = client.post(EXTRACT, json={"scene_id": scene_id}, headers=KEY)
    client.post(f"/api/v1/jobs/{made.json()['job_id']}/cancel")
    again = client.post(EXTRACT, json={"scene_id": scene_id}, headers=KEY)
    assert said(again) == said(made)
    assert again.headers[REPLAYED] == "true"
    retry = f"/api/v1/jobs/{made.json()['job_id']}/retry"
    retries = [client.post(retry, headers=KEY) for _ in range(2)]
    assert said(retries[0]) == said(retries[1])
    assert retries[0].json()["id"] != made.json()["job_id"]
    other = client.post(f"/api/v1/jobs/{retries[0].json()['id']}/retry", headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "IdempotencyKeyReused")
    with api.resources.database.write(SYSTEM) as session:
        session.execute(update(IdempotencyKey).values(created_at=now_s() - 24 * 3600 - 1))
    late = client.post(EXTRACT, json={"scene_id": scene_id}, headers=KEY)
    assert late.json()["job_id"] != made.json()["job_id"]
    maintenance.cleanup_old_jobs(api.resources)
    assert count(api.resources, IdempotencyKey) == 1
    assert client.post(EXTRACT, json={"scene_id": scene_id}).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [
        [("Idempotency-Key", "")],
        [("Idempotency-Key", "k" * 256)],
        [("Idempotency-Key", "clé".encode())],
        [("Idempotency-Key", "a\tb")],
        [("Idempotency-Key", "a"), ("Idempotency-Key", "b")],
    ],
)
def test_a_key_that_cannot_be_one_is_refused(shared_api, sam, headers):
    answer = shared_api.program(sam).post(EXTRACT, json={"scene_id": "nothing"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "IdempotencyKeyInvalid")


def test_an_import_is_sent_again_and_taken_once(sqlite_api, alice):
    api, client = sqlite_api, sqlite_api.program(alice)
    files = {"file": ("houses.geojson", SQUARE)}
    first = client.post(IMPORTS, files=files, headers=KEY)
    assert first.status_code == 202, first.text
    again = client.post(IMPORTS, files=files, headers=KEY)
    assert (said(again), again.headers[REPLAYED]) == (said(first), "true")
    for other in ({"files": {"file": ("houses.geojson", SQUARE + b" ")}}, {"files": files, "data": {"layer": "x"}}):
        differs = client.post(IMPORTS, headers=KEY, **other)
        assert (differs.status_code, differs.json()["code"]) == (422, "IdempotencyKeyReused")
    assert count(api.resources, ProcessingJob) == 1
    assert len(list(api.resources.storage.entries())) == 1
    assert list((api.resources.settings.data_dir / "incoming").iterdir()) == []
    job_id = first.json()["id"]
    client.post(f"/api/v1/jobs/{job_id}/cancel")
    retries = [client.post(f"/api/v1/jobs/{job_id}/retry", headers=KEY) for _ in range(2)]
    assert retries[0].status_code == 202, retries[0].text
    assert said(retries[0]) == said(retries[1])
    assert count(api.resources, ProcessingJob) == len(list(api.resources.storage.entries())) == 2


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_an_upload_is_sent_again_also_when_the_quota_is_used_up_by_then(serve, make_resources, alice, tmp_path):
    api = serve(make_resources(free_jobs_per_hour=1))
    client = api.program(alice)
    content = write_scene(tmp_path / "made.tif", (200, 200), grid_of_rectangles((200, 200))).read_bytes()
    bad = client.post(UPLOAD, files={"fill": ("made.tif", content)}, headers=KEY)
    assert (bad.status_code, count(api.resources, IdempotencyKey)) == (422, 0)
    first = client.post(UPLOAD, files={"file": ("made.tif", content)}, headers=KEY)
    again = client.post(UPLOAD, files={"file": ("made.tif", content)}, headers=KEY)
    assert first.status_code == 202, first.text
    assert (said(again), again.headers[REPLAYED]) == (said(first), "true")
    assert client.post(UPLOAD, files={"file": ("made.tif", content)}).status_code == 429
    assert len(client.get("/api/v1/scenes").json()["scenes"]) == 1
    assert count(api.resources, QuotaUse) == 1


def slow_form(halves, gate):
    """The body of a form in two pieces; the second waits."""
    boundary = b"--b\r\n"
    head = b'Content-Disposition: form-data; name="file"; filename="houses.geojson"\r\n\r\n'
    yield boundary + head + halves[0]
    gate()
    yield halves[1] + b"\r\n--b--\r\n"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_while_a_file_arrives_its_key_is_in_flight(serve, make_resources, alice):
    api = serve(make_resources(lease_s=2.0, heartbeat_s=0.5))
    client, other = api.program(alice), api.program(alice)
    form = KEY | {"Content-Type": "multipart/form-data; boundary=b"}
    seen = []

    def meanwhile():
        wait_until(lambda: count(api.resources, IdempotencyKey), 20, "held")
        seen.append(other.post(IMPORTS, files={"file": ("houses.geojson", SQUARE)}, headers=KEY))

    first = client.post(IMPORTS, content=slow_form((SQUARE[:50], SQUARE[50:]), meanwhile), headers=form)
    assert first.status_code == 202, first.text
    assert (seen[0].status_code, seen[0].json()["code"]) == (409, "IdempotencyKeyInFlight")
    assert seen[0].headers["Retry-After"] in ("1", "2")
