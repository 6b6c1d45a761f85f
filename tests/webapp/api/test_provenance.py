"""What found a footprint can be read wherever the footprint is shown."""

import csv
import io
import json

import pytest
import shapely

from tests.webapp.api.made_results import CARD, make_result
from webapp.services import footprints
from webapp.services.footprints import FootprintQuery

GSD_M = pytest.approx(0.3, rel=1e-3)
SHORT = CARD.weights_sha256[:12]


def test_every_door_tells_what_found_a_footprint(api, alice, tmp_path):
    result = make_result(api.resources, alice, tmp_path)
    client = api.program(alice)
    (feature, *_) = client.get(f"/api/v1/buildings?job_id={result.job_id}").json()["features"]
    properties = feature["properties"]
    assert (properties["scene_id"], properties["job_id"]) == (result.scene_id, result.job_id)
    assert (properties["weights"], properties["weights_sha256"], properties["gsd_m"]) == ("small", SHORT, GSD_M)
    job = client.get(properties["job_url"]).json()
    assert job["weights_sha256"] == CARD.weights_sha256
    assert (job["weights_name"], job["gsd_m"], job["params"]["window_px"]) == ("small", GSD_M, 256)
    exported = client.get(f"/api/v1/buildings/export?job_id={result.job_id}&format=csv").text
    row = next(csv.DictReader(io.StringIO(exported)))
    assert (row["job_id"], row["scene_id"], row["weights"]) == (result.job_id, result.scene_id, "small")
    assert (row["weights_sha256"], float(row["gsd_m"])) == (SHORT, GSD_M)
    point = shapely.geometry.shape(feature["geometry"]).representative_point()
    found = footprints.footprint_at(api.resources, alice, point.x, point.y, FootprintQuery(job_id=result.job_id))
    assert (found.weights_name, found.weights_sha256, found.gsd_m) == ("small", SHORT, GSD_M)


def test_a_job_that_overrides_the_ground_sampling_distance_says_so(sqlite_api, alice, tmp_path):
    result = make_result(sqlite_api.resources, alice, tmp_path)
    client = sqlite_api.program(alice)
    parameters = {"gsd_m": 0.5, "weights": "default"}
    body = {"scene_id": result.scene_id, "parameters": parameters}
    accepted = client.post("/api/v1/ml-processing/extract-buildings", json=body).json()
    job = client.get(f"/api/v1/jobs/{accepted['job_id']}").json()
    assert (job["gsd_m"], job["weights_name"], job["params"]["weights"]) == (0.5, None, "default")


def test_models_are_listed_with_their_cards(sqlite_api, alice):
    client = sqlite_api.program(alice)
    (listed,) = client.get("/api/v1/models").json()["models"]
    described = client.get("/api/v1/models/default").json()
    card = described.pop("card")
    assert described == listed
    assert listed["name"] == "default"
    assert card["file:checksum_sha256"] == listed["sha256"]
    assert set(listed["sources"]) == set(card["training"]["sources"])
    assert listed["recommended_min_confidence"] == card["recommended_min_confidence"]
    assert json.dumps(card)
    missing = client.get("/api/v1/models/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "NotFound")
    assert client.get("/api/v1/models/default+default").json()["name"] == "default"
