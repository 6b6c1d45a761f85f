"""Buildings over HTTP: pages with links, single ones with versions."""

import csv
import io
import json

import pytest
import shapely
from shapely.geometry import mapping, shape

from auth.principals import SYSTEM
from models.footprint_writes import FootprintSource, insert_footprints
from tests.support.footprints import frame_of, squares
from tests.support.jobs import submit
from webapp.services.jobs import cancel_job

HOUSE = mapping(shapely.box(10.5, 49.5, 10.5002, 49.5001))
LIST = "/api/v1/buildings"


@pytest.fixture
def job_id(resources, alice):
    job = submit(resources, alice)
    with resources.database.write(SYSTEM) as session:
        insert_footprints(session, FootprintSource(job.id, job.scene_id, alice.user_id), frame_of(squares(23)))
    return cancel_job(resources, alice, job.id).id


def pages(client, url):
    while url:
        page = client.get(url).json()
        yield page
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)


def test_links_lead_through_all_pages(api, alice, job_id):
    client = api.program(alice)
    found = list(pages(client, f"{LIST}?job_id={job_id}&sort=-confidence&limit=10"))
    assert [page["numberReturned"] for page in found] == [len(page["features"]) for page in found] == [10, 10, 3]
    assert all("numberMatched" not in page for page in found)
    values = [feature["properties"]["confidence"] for page in found for feature in page["features"]]
    assert values == sorted(values, reverse=True)
    whole = client.get(f"{LIST}?count=true&limit=5").json()
    assert (whole["numberMatched"], whole["numberReturned"]) == (23, 5)
    assert client.get(LIST).json()["numberMatched"] == 23


def test_a_region_is_wkt_or_geojson(api, alice, job_id):
    client, region = api.program(alice), shapely.box(10.0, 49.9, 10.05, 50.0)
    by_text, by_json = (
        [feature["id"] for feature in client.get(LIST, params={"region": text}).json()["features"]]
        for text in (region.wkt, shapely.to_geojson(region))
    )
    assert by_text == by_json
    assert 3 < len(by_text) < 20


def test_pages_come_as_text_sequences_and_tables_too(api, alice, job_id):
    client = api.program(alice)
    answer = client.get(f"{LIST}?f=geojsonseq&limit=10")
    assert answer.headers["content-type"].startswith("application/geo+json-seq")
    features = [json.loads(line) for line in answer.text.split("\x1e")[1:]]
    assert len(features) == 10
    assert shape(features[0]["geometry"]).is_valid
    answer = client.get(answer.links["next"]["url"].replace("geojsonseq", "csv"))
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    seen = {feature["properties"]["id"] for feature in features}
    assert len(rows) == 10
    assert not seen & {int(row["id"]) for row in rows}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("cursor=abc", "CursorInvalid"),
        ("sort=owner_id", "RequestInvalid"),
        ("f=shapefile", "RequestInvalid"),
        ("limit=0", "RequestInvalid"),
        ("limit=10001", "RequestInvalid"),
        ("colour=red", "RequestInvalid"),
        ("bbox=1,2,3", "BboxInvalid"),
        ("review=maybe", "RequestInvalid"),
        ("region=POINT(1 2)", "RequestInvalid"),
        ('region={"type":"Polygon"}', "RequestInvalid"),
        ("region=POLYGON((0 0,1 1,1 0,0 1,0 0))", "ParameterInvalid"),
        ("region=POLYGON((0 0,inf 1,1 0,0 0))", "ParameterInvalid"),
        ("region=POLYGON((0 95,1 95,1 99,0 95))", "ParameterInvalid"),
    ],
)
def test_what_cannot_be_meant_is_refused(shared_api, sam, query, code):
    answer = shared_api.program(sam).get(f"{LIST}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_building_is_read_changed_and_removed_by_version(api, alice, bob, job_id):
    client, stranger = api.program(alice), api.program(bob)
    one = client.get(f"{LIST}?limit=1").json()["features"][0]["id"]
    url = f"{LIST}/{one}"
    before = client.get(url, params={"raw": True})
    assert before.headers["content-type"] == "application/geo+json"
    assert before.json()["properties"]["raw_geometry"]["type"] == "Polygon"
    assert client.get(url, headers={"If-None-Match": before.headers["etag"]}).status_code == 304
    change = {"geometry": HOUSE, "review_state": "accepted"}
    assert client.put(url, json=change).json()["code"] == "PreconditionMissing"
    after = client.put(url, json=change, headers={"If-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.headers["etag"] == client.get(url).headers["etag"] != before.headers["etag"]
    assert shape(client.get(url).json()["geometry"]).equals(shape(HOUSE))
    late = client.put(url, json=change, headers={"If-Match": before.headers["etag"]})
    assert (late.status_code, late.json()["code"]) == (412, "VersionOutdated")
    assert late.headers["etag"] == late.json()["parameters"]["etag"] == after.headers["etag"]
    assert client.delete(url, headers={"If-Match": before.headers["etag"]}).status_code == 412
    for method in ("GET", "PUT", "DELETE"):
        answer = stranger.request(method, url, json=change if method == "PUT" else None, headers={"If-Match": "*"})
        assert (answer.status_code, answer.json()["code"]) == (404, "NotFound")
    assert client.delete(url, headers={"If-Match": after.headers["etag"]}).status_code == 204
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"owner_id": 1}, "RequestInvalid"),
        ({"geometry": None}, "RequestInvalid"),
        ({"geometry": {"type": "Point", "coordinates": [1, 2]}}, "FootprintInvalid"),
        ({"review_state": None}, "RequestInvalid"),
        ({"review_state": "maybe"}, "RequestInvalid"),
        ({}, "RequestInvalid"),
        ([], "RequestInvalid"),
    ],
)
def test_bodies_that_say_something_else_are_refused(shared_api, sam, body, code):
    answer = shared_api.program(sam).put(f"{LIST}/1", json=body, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    ("building_id", "status"), [("0", 422), (str(2**63), 422), ("-1", 404), ("x", 404), ("1.5", 404)]
)
def test_ids_that_are_none_are_refused(shared_api, sam, building_id, status):
    """What is no whole number is the address of nothing: it may be that of something else some day, as `export` is."""
    assert shared_api.program(sam).get(f"{LIST}/{building_id}").status_code == status
