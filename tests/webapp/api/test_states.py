"""A whole state over HTTP: three scenes of it, of which two overlap and one lies across the border, and one beyond."""

from dataclasses import dataclass

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from sqlalchemy import func, select

from auth.principals import SYSTEM
from models.job_states import JobState
from models.quota import QuotaUse
from tests.support.jobs import add_scene, info_at
from tests.support.people import make_person
from tests.support.rasters import EPSG, GSD_M, ORIGIN, write_scene
from tests.webapp.api.made_results import run_job
from webapp.services import scenes, uploads
from webapp.services.index_feeding import feed_indexes
from webapp.services.state_parts import hand_out_parts
from webapp.services.us_states import us_states

SIZE_PX = (400, 500)
STEP_PX, HOUSE_PX = 100, (30, 40)
TO_DEG = Transformer.from_crs(EPSG, 4326, always_xy=True)
FROM_DEG = Transformer.from_crs(4326, EPSG, always_xy=True)
OVERLAP_PX = 250


KEY = {"Idempotency-Key": "a-state-once"}
PROCESS_STATE = "/api/v1/ml-processing/process-state"
GEORGIAN_BOX = (-83.5, 33.0, -83.498, 33.002)


@dataclass(frozen=True)
class Town:
    """Houses stand on a grid that is the same for all scenes; these are the centres of those in Georgia, in degrees."""

    job_id: str
    parts: list
    centres: list[tuple[float, float]]


def houses_in(origin):
    """Rectangles of a scene, and the centres of the houses in degrees. What an edge would cut is left out."""
    rows, columns = SIZE_PX
    left_px, top_px = round(origin[0] / GSD_M), round(-origin[1] / GSD_M)
    found, centres = [], []
    for row in range(-top_px % STEP_PX, rows - HOUSE_PX[0], STEP_PX):
        for column in range(-left_px % STEP_PX, columns - HOUSE_PX[1], STEP_PX):
            found.append((row, column, *HOUSE_PX))
            east = origin[0] + (column + HOUSE_PX[1] / 2) * GSD_M
            centres.append(TO_DEG.transform(east, origin[1] - (row + HOUSE_PX[0] / 2) * GSD_M))
    return found, centres


def register(resources, person, folder, name, origin):
    """Send a scene; return the centres of its houses."""
    rectangles, centres = houses_in(origin)
    path = write_scene(folder / name, SIZE_PX, rectangles, origin=origin)
    with uploads.begin_upload(resources, person, name) as upload:
        upload.write(path.read_bytes())
        received = upload.finish()
    scenes.register_scene(resources, person, received)
    return centres


def border_origin():
    """Where a scene begins that has Georgia's western border in its middle."""
    parallel = shapely.LineString([(-86.5, 33.0), (-84.0, 33.0)])
    x_m, y_m = FROM_DEG.transform(*us_states().find("GA").outline.intersection(parallel).coords[0])
    return tuple(round(value / GSD_M) * GSD_M for value in (x_m - SIZE_PX[1] / 2 * GSD_M, y_m))


@pytest.fixture(scope="module")
def town(shared_api, sam, tmp_path_factory):
    resources, folder = shared_api.resources, tmp_path_factory.mktemp("scenes")
    origin = tuple(round(value / GSD_M) * GSD_M for value in ORIGIN)
    beside = (origin[0] + OVERLAP_PX * GSD_M, origin[1])
    centres = register(resources, sam, folder, "west.tif", origin)
    centres += register(resources, sam, folder, "east.tif", beside)
    over = register(resources, sam, folder, "border.tif", border_origin())
    register(resources, sam, folder, "beyond.tif", (border_origin()[0] - 30_000.0, border_origin()[1]))
    client = shared_api.program(sam)
    answer = client.post("/api/v1/ml-processing/process-state", json={"state": "georgia", "weights": "default"})
    assert answer.status_code == 202, answer.text
    job_id = answer.json()["job_id"]
    assert answer.headers["Location"].endswith(job_id)
    assert hand_out_parts(resources) == 3
    parts = client.get(f"/api/v1/jobs/{job_id}").json()["parts"]
    for part in parts:
        assert run_job(resources, part["id"]) is JobState.SUCCEEDED
    feed_indexes(resources)
    outline = us_states().find("GA").outline
    inside = [centre for centre in over if outline.contains(shapely.Point(centre))]
    assert 0 < len(inside) < len(over)
    distinct = {tuple(np.round(centre, 7)) for centre in centres}
    assert len(distinct) < len(centres)  # the overlap shows houses twice
    return Town(job_id, parts, [*distinct, *inside])


@pytest.fixture(scope="module")
def client(shared_api, sam):
    return shared_api.program(sam)


def test_every_house_comes_once_whether_in_the_overlap_or_at_the_border(town, client):
    assert {part["scene_name"] for part in town.parts} == {"west.tif", "east.tif", "border.tif"}
    features = client.get(f"/api/v1/buildings?job_id={town.job_id}&limit=5000").json()["features"]
    shapes = [shapely.from_geojson(str(feature["geometry"]).replace("'", '"')) for feature in features]
    tree = shapely.STRtree(shapes)
    found = tree.query([shapely.Point(centre) for centre in town.centres], predicate="within")
    assert np.bincount(found[0], minlength=len(town.centres)).tolist() == [1] * len(town.centres)
    assert len(shapes) == len(town.centres)


def test_the_id_of_the_whole_means_all_its_parts_everywhere(town, client):
    number, query = len(town.centres), f"job_id={town.job_id}"
    job = client.get(f"/api/v1/jobs/{town.job_id}").json()
    assert (job["state"], job["kind"], job["us_state"], job["footprint_count"]) == (
        "succeeded",
        "state",
        "Georgia",
        number,
    )
    assert client.get(f"/api/v1/ml-processing/task-status/{town.job_id}").json()["footprint_count"] == number
    assert [row["id"] for row in client.get("/api/v1/jobs").json()["jobs"]] == [town.job_id]
    assert client.get(f"/api/v1/buildings?{query}&count=true&limit=3").json()["numberMatched"] == number
    assert client.get(f"/api/v1/buildings?{query}&sort=-area_m2").json()["numberReturned"] == number
    assert client.get(f"/api/v1/buildings/statistics/overview?{query}").json()["count"] == number
    assert client.get(f"/api/v1/buildings/statistics/view?{query}").json()["count"] == number
    for scope in (query, f"{query}&view=-90,30,-80,36", f"{query}&state=GA"):
        exported = client.get(f"/api/v1/buildings/export?{scope}")
        assert len(exported.json()["features"]) == number
    assert "georgia" in exported.headers["content-disposition"]
    prepared = client.post("/api/v1/exports", json={"job_id": town.job_id, "format": "csv"}).json()
    assert prepared["rows_total"] == number
    assert client.get(f"/tiles/footprints/4/4/6.mvt?{query}").content
    tile, empty = (client.get(f"/tiles/footprints/4/{x}/6.png?{query}") for x in (4, 1))
    assert tile.content != empty.content
    assert tile.headers["etag"] != client.get("/tiles/footprints/4/4/6.png").headers["etag"]
    assert client.get(f"/tiles/footprints/tiles.json?{query}").json()["bounds"][0] > -90


def test_a_state_is_a_region_wherever_a_region_is_taken(town, client):
    everything = client.get("/api/v1/buildings?count=true").json()["numberMatched"]
    assert everything == len(town.centres)
    for state, number in (("GA", everything), ("georgia", everything), ("13", everything), ("AL", 0)):
        assert client.get(f"/api/v1/buildings?state={state}&count=true").json()["numberMatched"] == number
        assert client.get(f"/api/v1/buildings/statistics/view?state={state}").json()["count"] == number
        assert len(client.get(f"/api/v1/buildings/export?state={state}").json()["features"]) == number
        assert bool(client.get(f"/tiles/footprints/4/4/6.mvt?state={state}").content) is bool(number)
        prepared = client.post("/api/v1/exports", json={"state": state, "format": "csv"}).json()
        assert prepared["rows_total"] == number
    both = client.get("/api/v1/buildings?state=GA&region=POLYGON((0 0,1 0,1 1,0 0))")
    assert (both.status_code, both.json()["code"]) == (422, "RequestInvalid")
    wrong = client.get("/api/v1/buildings?state=Georgie")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "StateUnknown")
    assert "Georgia" in wrong.json()["detail"]


def test_others_see_and_reach_nothing_of_it(town, shared_api):
    client = shared_api.program(make_person(shared_api.resources, "stranger"))
    for job_id in (town.job_id, town.parts[0]["id"]):
        for method, path in (("GET", ""), ("GET", "/logs"), ("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")):
            assert client.request(method, f"/api/v1/jobs/{job_id}{path}").status_code == 404
        assert client.get(f"/api/v1/buildings?job_id={job_id}").json()["features"] == []
        assert client.get(f"/tiles/footprints/4/4/6.mvt?job_id={job_id}").status_code == 404
    assert not any(row["scenes"] for row in client.get("/api/v1/ml-processing/states").json()["states"])
    refused = client.post("/api/v1/ml-processing/process-state", json={"state": "GA"})
    assert (refused.status_code, refused.json()["code"]) == (422, "NoImagery")
    assert "Georgia" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"state": "Atlantis"}, "StateUnknown"),
        ({"state": "GA", "parameters": {"gsd_m": 0.3}}, "ParameterInvalid"),
        ({"state": "GA", "parameters": {"min_confidence": "high"}}, "ParameterInvalid"),
        ({"state": "GA", "weights": "../x"}, "ParameterInvalid"),
        ({"state": "GA", "status": "succeeded"}, "RequestInvalid"),
        ({"state": ""}, "RequestInvalid"),
        ({"state": 42}, "RequestInvalid"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_code(shared_api, body, code):
    client = shared_api.program(make_person(shared_api.resources, f"asker-{abs(hash(str(body)))}"))
    answer = client.post("/api/v1/ml-processing/process-state", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


def test_the_states_are_listed_with_ones_own_scenes(town, client):
    rows = {row["code"]: row for row in client.get("/api/v1/ml-processing/states").json()["states"]}
    assert len(rows) == 56
    assert {code: row["scenes"] for code, row in rows.items() if row["scenes"]} == {"GA": 3, "AL": 2}
    assert rows["GA"]["name"] == "Georgia"
    assert rows["AK"]["bounds_deg"][0] > rows["AK"]["bounds_deg"][2]


def begin_one(client):
    """What begins a job of a state: route and body."""
    return PROCESS_STATE, {"state": "GA"}


def retry_one(client):
    """What does a cancelled job of a state once more: route and body."""
    job_id = client.post(PROCESS_STATE, json={"state": "GA"}).json()["job_id"]
    assert client.post(f"/api/v1/jobs/{job_id}/cancel").status_code == 200
    return f"/api/v1/jobs/{job_id}/retry", None


def quota_used(resources):
    with resources.database.read(SYSTEM) as session:
        return session.scalar(select(func.count()).select_from(QuotaUse))


@pytest.mark.parametrize("wanted", [begin_one, retry_one])
def test_a_key_makes_one_job_of_a_state_and_the_request_is_known_to_its_parts(api, alice, wanted):
    client = api.program(alice)
    add_scene(api.resources, alice, info_at(*GEORGIAN_BOX))
    url, body = wanted(client)
    before = quota_used(api.resources)
    answers = [client.post(url, json=body, headers=KEY | {"X-Request-ID": f"call-{n}"}) for n in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
    assert answers[0].content == answers[1].content
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert quota_used(api.resources) == before + 1
    made = answers[0].json()
    job = client.get(f"/api/v1/jobs/{made.get('job_id') or made['id']}").json()
    parts = [client.get(f"/api/v1/jobs/{part['id']}").json() for part in job["parts"]]
    assert [row["request_id"] for row in (job, *parts)] == ["call-0", "call-0"]


def test_a_key_of_a_state_is_refused_for_another_state(api, alice):
    client = api.program(alice)
    add_scene(api.resources, alice, info_at(*GEORGIAN_BOX))
    assert client.post(PROCESS_STATE, json={"state": "GA"}, headers=KEY).status_code == 202
    differs = client.post(PROCESS_STATE, json={"state": "AL"}, headers=KEY)
    assert (differs.status_code, differs.json()["code"]) == (422, "IdempotencyKeyReused")
