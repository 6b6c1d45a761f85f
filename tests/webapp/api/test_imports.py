import io
import zipfile

import pytest

from models.job_states import JobState
from tests.support.footprint_files import town_features, write_geojson
from tests.webapp.api.made_results import run_job
from tests.webapp.api.test_uploads import nothing_left

UPLOAD = "/api/v1/imports"


def post(client, name, content, **fields):
    return client.post(UPLOAD, files={"file": (name, content)}, data=fields)


def zipped(**entries):
    """A ZIP with entries of these names ("/" written as "__", "." as "_")."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in entries.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return content.getvalue()


def test_from_upload_to_buildings(api, alice, bob, tmp_path):
    client = api.program(alice)
    town = write_geojson(tmp_path / "town.geojson").read_bytes()
    accepted = post(client, "town.geojson", town, confidence_column="score", source_id_column="storeys")
    assert accepted.status_code == 202, accepted.text
    body = accepted.json()
    assert accepted.headers["location"] == body["status_url"] == f"{UPLOAD}/{body['id']}"
    assert (body["state"], body["file_name"], body["rows_total"], body["footprint_count"]) == (
        "queued",
        "town.geojson",
        9,
        0,
    )
    assert body["options"] == {"confidence_column": "score", "source_id_column": "storeys"}
    report = body["report"]
    assert (report["rows_read"], report["kept"], report["refused_total"]) == (9, 6, 3)
    assert report["refused"]["not_a_polygon"] == {"count": 1, "examples": [{"row": 8, "detail": "Point"}]}
    assert client.get("/api/v1/buildings").json()["numberMatched"] == 0

    assert run_job(api.resources, body["id"]) is JobState.SUCCEEDED
    done = client.get(body["status_url"]).json()
    assert (done["state"], done["rows_done"], done["footprint_count"]) == ("succeeded", 9, 6)
    assert done["report"] == report
    features = client.get(f"/api/v1/buildings?job_id={body['id']}").json()["features"]
    properties = [feature["properties"] for feature in features]
    assert [one["confidence"] for one in properties] == [None, 0.51, None, 0.53, None, 0.55]
    assert [one["source_id"] for one in properties] == ["1", "2", "3", "4", "1", "2"]
    assert {one["scene_id"] for one in properties} == {None}
    sums = client.get("/api/v1/buildings/statistics/overview").json()
    assert (sums["count"], sums["without_confidence"]) == (6, 3)
    job = client.get(f"/api/v1/jobs/{body['id']}").json()
    assert (job["kind"], job["scene_id"], job["file_name"]) == ("import", None, "town.geojson")
    exported = client.get(f"/api/v1/buildings/export?job_id={body['id']}&format=csv")
    assert exported.headers["content-disposition"] == f'attachment; filename="town-{body["id"][:8]}.csv"'
    assert len(exported.text.splitlines()) == 7
    assert api.program(bob).get(body["status_url"]).status_code == 404
    assert client.get(UPLOAD).json()["imports"][0]["id"] == body["id"]
    assert client.delete(body["status_url"]).status_code == 204
    assert client.get("/api/v1/buildings").json()["numberMatched"] == 0
    assert nothing_left(api)


BAD = {
    "wrong type": (b"II*\0 a picture", 415, "VectorFormatUnknown"),
    "text": (b"no houses here", 415, "VectorFormatUnknown"),
    "damaged": (b'{"type":"FeatureCollection","features":[{"type":"Feat', 422, "VectorUnreadable"),
    "cut": (b"PAR1 and nothing more", 422, "VectorUnreadable"),
    "traversal": (zipped(**{"____etc__passwd_shp": "x"}), 422, "ArchiveUnsafe"),
    "no shapefile": (zipped(readme_txt="x"), 415, "VectorFormatUnknown"),
    "empty": (b"", 400, "UploadEmpty"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_a_coded_problem_and_leaves_nothing(sqlite_api, alice, kind):
    content, status, code = BAD[kind]
    answer = post(sqlite_api.program(alice), "houses.geojson", content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "houses.geojson" in answer.json()["detail"]
    assert nothing_left(sqlite_api)
    assert sqlite_api.program(alice).get(UPLOAD).json()["imports"] == []


def test_what_the_file_lacks_is_named(sqlite_api, alice, tmp_path):
    client = sqlite_api.program(alice)
    town = write_geojson(tmp_path / "town.geojson", town_features(2)).read_bytes()
    missing = post(client, "town.geojson", town, confidence_column="certainty")
    assert (missing.status_code, missing.json()["code"]) == (422, "ColumnMissing")
    assert missing.json()["parameters"]["columns"] == "id, score, storeys"
    unknown = post(client, "town.geojson", town, projection="EPSG:4326")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "RequestInvalid")
    assert nothing_left(sqlite_api)


def test_an_import_that_runs_is_not_removed(sqlite_api, alice, tmp_path):
    client = sqlite_api.program(alice)
    body = post(client, "town.geojson", write_geojson(tmp_path / "town.geojson").read_bytes()).json()
    refused = client.delete(body["status_url"])
    assert (refused.status_code, refused.json()["code"]) == (409, "ImportInUse")
    assert client.post(f"/api/v1/jobs/{body['id']}/cancel").json()["state"] == "cancelled"
    assert client.delete(body["status_url"]).status_code == 204
