"""Prepared exports over HTTP: asking, following, downloading in pieces."""

import base64
import hashlib

import pytest

from tests.support.stored import finished_job
from tests.webapp.exported import made_export
from webapp.tasks.exporting import ExportContext, run_export


def digest_of(data):
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


@pytest.fixture
def done(sqlite_api, alice):
    """A finished export, and a client of its owner."""
    export = made_export(sqlite_api.resources, alice, finished_job(sqlite_api.resources, alice))
    return sqlite_api.program(alice), export


def test_the_whole_way_of_an_export(api, alice, bob):
    job_id = finished_job(api.resources, alice)
    client, other = api.program(alice), api.program(bob)
    answer = client.post("/api/v1/exports", json={"job_id": job_id, "format": "csv", "min_confidence": 0.7})
    assert answer.status_code == 202
    asked = answer.json()
    url = answer.headers["location"]
    assert url == f"/api/v1/exports/{asked['id']}"
    assert (asked["state"], asked["file_url"]) == ("queued", None)
    early = client.get(f"{url}/file")
    assert (early.status_code, early.json()["code"]) == (409, "ExportNotReady")
    run_export(ExportContext(api.resources, "w"), asked["id"])
    told = client.get(url).json()
    assert told["state"] == "succeeded"
    assert told["rows_done"] == told["rows_total"] == asked["rows_total"] == 24
    assert client.get("/api/v1/exports").json()["exports"] == [told]
    file = client.get(told["file_url"])
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert file.headers["content-disposition"] == f'attachment; filename="{told["filename"]}"'
    assert hashlib.sha256(file.content).hexdigest() == told["sha256"]
    stream = client.get(f"/api/v1/buildings/export?job_id={job_id}&format=csv&min_confidence=0.7")
    assert file.content == stream.content
    assert other.get(url).status_code == other.get(told["file_url"]).status_code == other.delete(url).status_code == 404
    assert other.get("/api/v1/exports").json() == {"exports": []}
    assert [client.delete(url).status_code for _ in range(2)] == [204, 204]
    assert client.get(url).status_code == client.get(told["file_url"]).status_code == 404
    assert client.delete("/api/v1/exports/none").status_code == 404


def test_what_is_wrong_is_refused_with_a_code(sqlite_api, alice):
    client = sqlite_api.program(alice)
    for body, code in (
        ({"job_id": "none"}, "NotFound"),
        ({"bbox": "0,0,1,1", "format": "exe"}, "FormatUnknown"),
        ({"format": "csv"}, "RequestInvalid"),
        ({"bbox": "0,0,1,1", "view": "0,0,1,1"}, "RequestInvalid"),
        ({"bbox": "0,5,1,1"}, "BboxInvalid"),
        ({"surprise": 1}, "RequestInvalid"),
        ([], "RequestInvalid"),
    ):
        answer = client.post("/api/v1/exports", json=body)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == code, body


def test_a_download_that_broke_off_goes_on_where_it_was(done):
    client, export = done
    url = f"/api/v1/exports/{export.id}/file"
    whole = client.get(url)
    size, etag = len(whole.content), whole.headers["etag"]
    assert etag == f'"{export.sha256}"'
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["repr-digest"] == whole.headers["content-digest"] == digest_of(whole.content)
    half = client.get(url, headers={"Range": "bytes=0-999"})
    rest = client.get(url, headers={"Range": "bytes=1000-", "If-Range": etag})
    assert half.status_code == rest.status_code == 206
    assert half.content + rest.content == whole.content
    assert half.headers["content-range"] == f"bytes 0-999/{size}"
    assert rest.headers["content-range"] == f"bytes 1000-{size - 1}/{size}"
    for part in (half, rest):
        assert part.headers["content-digest"] == digest_of(part.content)
        assert part.headers["repr-digest"] == whole.headers["repr-digest"]
        assert int(part.headers["content-length"]) == len(part.content)
    assert client.get(url, headers={"Range": "bytes=-7"}).content == whole.content[-7:]
    assert client.get(url, headers={"Range": f"bytes={size - 3}-{size + 900}"}).content == whole.content[-3:]


def test_a_range_that_cannot_be_had_is_refused_and_an_odd_one_ignored(done):
    client, export = done
    url, size = f"/api/v1/exports/{export.id}/file", export.size_bytes
    for asked in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0"):
        answer = client.get(url, headers={"Range": asked})
        assert (answer.status_code, answer.json()["code"]) == (416, "RangeNotSatisfiable")
        assert answer.headers["content-range"] == f"bytes */{size}"
    for odd in ("bytes=9-3", "bytes=", "bytes=-", "rows=0-3", "bytes=0-1,5-6", "bytes=x-y", "bytes=1" + "0" * 40 + "-"):
        answer = client.get(url, headers={"Range": odd})
        assert (answer.status_code, len(answer.content)) == (200, size), odd
    stale = {"Range": "bytes=0-9", "If-Range": '"another"'}
    assert client.get(url, headers=stale).status_code == 200
    weak = {"Range": "bytes=0-9", "If-Range": f'W/"{export.sha256}"'}
    assert client.get(url, headers=weak).status_code == 200


def test_a_file_that_is_there_already_is_not_sent_again(done):
    client, export = done
    url = f"/api/v1/exports/{export.id}/file"
    known = client.get(url, headers={"If-None-Match": f'"{export.sha256}"'})
    assert (known.status_code, known.content) == (304, b"")
    head = client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == export.size_bytes
    assert head.headers["repr-digest"]


def test_a_file_that_is_lost_is_a_coded_error(done, sqlite_api):
    client, export = done
    for key, _ in list(sqlite_api.resources.storage.entries()):
        sqlite_api.resources.storage.delete(key)
    answer = client.get(f"/api/v1/exports/{export.id}/file")
    assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
