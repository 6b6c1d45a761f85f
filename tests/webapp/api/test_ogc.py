"""OGC API Features: what a map program gets, against what is known of made footprints."""

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from auth.principals import SYSTEM, Principal, Scope
from models.footprint_writes import FootprintSource, insert_footprints
from tests.support.footprints import frame_of, squares
from tests.support.jobs import submit
from tests.support.people import make_person
from tests.webapp.api.conftest import Api
from webapp.services.api_keys import create_key
from webapp.services.footprint_edits import Target, edit_footprint, remove_footprint
from webapp.services.index_feeding import feed_indexes
from webapp.services.jobs import cancel_job

ITEMS = "/ogc/collections/buildings/items"
MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
WGS84 = "http://www.opengis.net/def/crs/EPSG/0/4326"
ELL = shapely.Polygon([(20, 10), (20.01, 10), (20.01, 10.001), (20.001, 10.001), (20.001, 10.01), (20, 10.01)])
OVER = shapely.box(179.999, -17.0, 180.001, -16.999)
FAR_WEST = shapely.box(-179.999, -17.01, -179.998, -17.009)


@dataclass
class Made:
    """A server with footprints of known shapes: 40 squares in two jobs, an L, one over the antimeridian, one beside."""

    api: Api
    alice: Principal
    client: httpx.Client
    jobs: list[str]

    def get(self, path: str = ITEMS, **parameters: object) -> Any:
        answer = self.client.get(path, params=parameters or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ids(self, **parameters: object) -> set[int]:
        return {feature["id"] for feature in self.get(**parameters)["features"]}

    def features(self) -> list[dict[str, Any]]:
        return self.get()["features"]


@pytest.fixture(scope="module")
def made(api_on_both: Api) -> Made:
    resources, alice = api_on_both.resources, make_person(api_on_both.resources, "alice")
    jobs = []
    for seed, shapes in enumerate(([*squares(20, 0), ELL], [*squares(20, 1), OVER, FAR_WEST])):
        job = submit(resources, alice)
        source = FootprintSource(job.id, job.scene_id, alice.user_id)
        frame = frame_of(shapes)
        if seed:
            frame["source_id"] = ["A%_1", "a_2", "B*[3]", *("C" + str(at) for at in range(19))]
        with resources.database.write(SYSTEM) as session:
            insert_footprints(session, source, frame)
        jobs.append(cancel_job(resources, alice, job.id).id)
    feed_indexes(resources, [alice.user_id])
    key = create_key(resources, alice, "map program", {Scope.READ}).key
    return Made(api_on_both, alice, api_on_both.anonymous(**{"X-API-Key": key}), jobs)


def walk(made: Made, path: str) -> list[dict[str, Any]]:
    pages, url = [], path
    while url:
        answer = made.client.get(url)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        url = next((link["href"] for link in pages[-1]["links"] if link["rel"] == "next"), "")
    return pages


def test_links_lead_through_all_features_once(made):
    pages = walk(made, f"{ITEMS}?limit=10&sortby=-area_m2")
    assert [page["numberReturned"] for page in pages] == [10, 10, 10, 10, 3]
    assert [page["numberMatched"] for page in pages] == [43] * 5
    ids = [feature["id"] for page in pages for feature in page["features"]]
    areas = [feature["properties"]["area_m2"] for page in pages for feature in page["features"]]
    assert len(set(ids)) == 43
    assert areas == sorted(areas, reverse=True)
    own = made.get(f"/ogc/collections/job-{made.jobs[0]}/items")
    assert {feature["properties"]["job_id"] for feature in own["features"]} == {made.jobs[0]}
    assert own["numberMatched"] == 21


def test_a_box_means_the_footprint_and_not_its_envelope(made):
    every = {feature["id"]: shape(feature["geometry"]) for feature in made.features()}
    rng = np.random.default_rng(3)
    boxes = [(20.005, 10.005, 20.02, 10.02), (20.0, 10.0, 20.02, 10.02)]
    boxes += [(west, south, west + 0.02, south + 0.02) for west, south in rng.random((6, 2)) * 0.1 + (10.0, 49.9)]
    for box in boxes:
        expected = {one for one, outline in every.items() if outline.intersects(shapely.box(*box))}
        text = ",".join(map(str, box))
        assert made.ids(bbox=text) == expected
        west, south, east, north = box
        assert made.ids(bbox=f"{west},{south},-5,{east},{north},900") == expected
        assert made.ids(bbox=f"{south},{west},{north},{east}", **{"bbox-crs": WGS84}) == expected
        metres = np.array(_metres((west, south)) + _metres((east, north)))
        assert made.ids(bbox=",".join(map(str, metres)), **{"bbox-crs": MERCATOR}) == expected
        assert made.ids(filter=f"S_INTERSECTS(geometry, BBOX({text}))") == expected
        polygon = shapely.to_wkt(shapely.box(*box), rounding_precision=-1)
        assert made.ids(filter=f"S_INTERSECTS(geometry, {polygon})") == expected
    assert not made.ids(bbox="20.005,10.005,20.02,10.02"), "only the envelope of the L is there"


def _metres(point: tuple[float, float]) -> list[float]:
    x, y = np.radians(point)
    return [6378137.0 * x, 6378137.0 * np.log(np.tan(np.pi / 4 + y / 2))]


def test_boxes_reach_over_the_antimeridian(made):
    both = made.ids(bbox="179.99,-17.1,-179.99,-16.9")
    assert len(both) == 2
    assert both == made.ids(bbox="19981000,-1920000,-19981000,-1910000", **{"bbox-crs": MERCATOR}) | both
    east, west = made.ids(bbox="179,-17.1,180,-16.9"), made.ids(bbox="-180,-17.1,-179,-16.9")
    assert len(east) == 1
    assert west == both, "one of them goes on in the west"
    over = next(iter(east))
    geometry = made.get(f"{ITEMS}/{over}")["geometry"]
    assert geometry["type"] == "MultiPolygon", "cut at the antimeridian, as RFC 7946 asks"
    assert made.ids(filter="S_INTERSECTS(geometry, POINT(-179.9995 -16.9995))") == {over}
    assert made.ids(bbox="-180,-90,180,90") == made.ids()


def test_coordinates_come_as_asked(made):
    plain = made.client.get(f"{ITEMS}?limit=50")
    swapped = made.client.get(f"{ITEMS}?limit=50", params={"crs": WGS84})
    metres = made.client.get(f"{ITEMS}?limit=50", params={"crs": MERCATOR})
    assert plain.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    assert swapped.headers["content-crs"] == f"<{WGS84}>"
    one = made.client.get(f"{ITEMS}/{plain.json()['features'][0]['id']}", params={"crs": MERCATOR}).json()
    for a, b, c in zip(*(answer.json()["features"] for answer in (plain, swapped, metres)), strict=True):
        lon_lat = shapely.get_coordinates(shape(a["geometry"]))
        np.testing.assert_array_equal(lon_lat, shapely.get_coordinates(shape(b["geometry"]))[:, ::-1])
        expected = np.array([_metres(point) for point in lon_lat])
        np.testing.assert_allclose(shapely.get_coordinates(shape(c["geometry"])), expected, atol=1e-6)
    assert one["geometry"] == metres.json()["features"][0]["geometry"]


def test_times_are_instants_and_intervals_with_open_ends(made):
    at = made.features()[0]["properties"]["created_at"]
    same = {feature["id"] for feature in made.features() if feature["properties"]["created_at"] == at}
    assert made.ids(datetime=at) == made.ids(created_at=at) == same == made.ids(datetime=f"{at}/{at}")
    assert made.ids(filter=f"created_at = TIMESTAMP('{at}')") == same
    assert made.ids(datetime=f"{at}/..") == made.ids(datetime=f"{at}/") == made.ids(datetime="../..") == made.ids()
    assert made.ids(datetime=f"../{at}") == same
    assert made.ids(filter=f"created_at > TIMESTAMP('{at}')") == made.ids() - same
    assert not made.ids(datetime="2001-01-01T00:00:00Z/2001-01-02T00:00:00Z")


FILTERS = {
    "area_m2 > 50": lambda p: p["area_m2"] > 50,
    "50 > area_m2 AND confidence >= 0.6": lambda p: p["area_m2"] < 50 and p["confidence"] >= 0.6,
    "area_m2 BETWEEN 20 AND 40": lambda p: 20 <= p["area_m2"] <= 40,
    "area_m2 NOT BETWEEN 20 AND 40": lambda p: not 20 <= p["area_m2"] <= 40,
    "area_m2 < 20 OR area_m2 > 90 AND confidence < 0": lambda p: p["area_m2"] < 20,
    "(area_m2 < 20 OR area_m2 > 90) AND NOT (area_m2 <> 10)": lambda p: p["area_m2"] == 10,
    "review_state IN ('accepted', 'unreviewed')": lambda p: True,
    "review_state NOT IN ('accepted', 'unreviewed')": lambda p: False,
    "source_id IS NULL": lambda p: p["source_id"] is None,
    "source_id IS NOT NULL AND source_id <> 'a_2'": lambda p: p["source_id"] not in (None, "a_2"),
    "source_id LIKE 'a%'": lambda p: (p["source_id"] or "").startswith("a"),
    "source_id LIKE 'A\\%\\__'": lambda p: p["source_id"] == "A%_1",
    "source_id LIKE 'B*[%'": lambda p: p["source_id"] == "B*[3]",
    "source_id LIKE 'C_'": lambda p: (p["source_id"] or "").startswith("C") and len(p["source_id"]) == 2,
    "source_id < 'B'": lambda p: p["source_id"] is not None and p["source_id"] < "B",
    "source_id >= 'a'": lambda p: p["source_id"] is not None and p["source_id"] >= "a",
    "source_id = 'it''s'": lambda p: False,
    "NOT source_id LIKE 'C%'": lambda p: p["source_id"] is not None and not p["source_id"].startswith("C"),
    '"area_m2" = 10': lambda p: p["area_m2"] == 10,
    "TRUE": lambda p: True,
    "area_m2 > 50 AND FALSE": lambda p: False,
    "scene_id = 'nobody''s; DROP TABLE users'": lambda p: False,
}


def test_filters_mean_what_cql2_says(made):
    every = made.features()
    for text, expected in FILTERS.items():
        found = made.get(filter=text, **{"filter-lang": "cql2-text"})
        wanted = {feature["id"] for feature in every if expected(feature["properties"])}
        assert {feature["id"] for feature in found["features"]} == wanted, text
        assert found["numberMatched"] == len(wanted), text
        first = made.get(filter=text, limit=1)
        assert first["numberMatched"] == len(wanted), text
    one = every[7]
    assert made.ids(filter=f"id = {one['id']}") == made.ids(id=one["id"]) == {one["id"]}
    assert made.ids(job_id=made.jobs[1], review_state="unreviewed", area_m2="10") == {
        feature["id"]
        for feature in every
        if feature["properties"]["job_id"] == made.jobs[1] and feature["properties"]["area_m2"] == 10
    }
    centre = shape(one["geometry"]).centroid
    swapped = f"S_INTERSECTS(geometry, POINT({centre.y} {centre.x}))"
    assert one["id"] in made.ids(filter=swapped, **{"filter-crs": WGS84})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("colour=red", "QueryInvalid"),
        ("limit=0", "QueryInvalid"),
        ("limit=many", "QueryInvalid"),
        ("bbox=1,2,3", "QueryInvalid"),
        ("bbox=1,2,3,nan", "QueryInvalid"),
        ("bbox=1,2,3,4,5", "QueryInvalid"),
        ("bbox=0,10,1,5", "QueryInvalid"),
        ("bbox=0,0,9,1,1,2", "QueryInvalid"),
        ("bbox=-200,0,1,1", "QueryInvalid"),
        ("bbox-crs=urn:x", "CrsUnknown"),
        ("crs=EPSG:31467", "CrsUnknown"),
        ("filter-crs=urn:x", "CrsUnknown"),
        ("datetime=yesterday", "FilterInvalid"),
        ("datetime=2026-11-23T08:00:00", "FilterInvalid"),
        ("datetime=2026-11-23T08:00:00Z/2026-11-22T08:00:00Z", "QueryInvalid"),
        ("cursor=abc", "QueryInvalid"),
        ("sortby=owner_id", "QueryInvalid"),
        ("f=shapefile", "QueryInvalid"),
        ("filter-lang=cql2-json", "QueryInvalid"),
        ("area_m2=wide", "FilterInvalid"),
        ("id=1.5", "FilterInvalid"),
        ("filter=owner_id = 1", "FilterInvalid"),
        ("filter=area_m2 > 'x'", "FilterInvalid"),
        ("filter=area_m2 > area_m2", "FilterInvalid"),
        ("filter=area_m2", "FilterInvalid"),
        ("filter=upper(source_id) = 'A'", "FilterInvalid"),
        ("filter=area_m2 >", "FilterInvalid"),
        ("filter=created_at > 5", "FilterInvalid"),
        ("filter=S_WITHIN(geometry, BBOX(0,0,1,1))", "FilterInvalid"),
        ("filter=S_INTERSECTS(geometry, POLYGON((0 0,1 1,1 0,0 1,0 0)))", "FilterInvalid"),
        ("filter=S_INTERSECTS(geometry, POINT(200 0))", "FilterInvalid"),
        ("filter=source_id LIKE '%25a%25a%25a%25a%25a%25a%25a%25a%25a%25a%25a'", "FilterInvalid"),
        ("filter=" + "(" * 2000, "FilterInvalid"),
        ("filter=" + "NOT " * 900 + "TRUE", "FilterInvalid"),
        ("filter=" + " OR ".join(["TRUE"] * 200), "FilterInvalid"),
    ],
)
def test_what_cannot_be_meant_is_a_400(shared_api, sam, query, code):
    answer = shared_api.program(sam).get(f"{ITEMS}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_limit_above_the_largest_is_the_largest(made):
    assert made.get(limit=10**9)["numberReturned"] == 43


def test_counts_follow_every_change(made):
    resources, before = made.api.resources, made.get(limit=1, filter="review_state = 'accepted'")["numberMatched"]
    chosen = made.get(limit=2)["features"][1]["id"]
    for state, expected in (("accepted", before + 1), ("unreviewed", before)):
        edit_footprint(resources, made.alice, Target(chosen, "*"), {"review_state": state})
        assert made.get(limit=1, filter="review_state = 'accepted'")["numberMatched"] == expected
    job = submit(resources, made.alice)
    with resources.database.write(SYSTEM) as session:
        source = FootprintSource(job.id, job.scene_id, made.alice.user_id)
        insert_footprints(session, source, frame_of(squares(1, 9)))
    cancel_job(resources, made.alice, job.id)
    assert made.get(limit=1)["numberMatched"] == 44
    (added,) = made.ids(job_id=job.id)
    remove_footprint(resources, made.alice, Target(added))
    assert made.get(limit=1)["numberMatched"] == 43


def test_nobody_sees_what_is_anothers(made):
    bob = made.api.program(make_person(made.api.resources, "bob"))
    assert bob.get(ITEMS).json()["numberMatched"] == 0
    listed = [one["id"] for one in bob.get("/ogc/collections").json()["collections"]]
    assert listed == ["buildings"]
    theirs = made.get(limit=1)["features"][0]["id"]
    for path in (
        f"{ITEMS}/{theirs}",
        *(f"/ogc/collections/job-{made.jobs[0]}{end}" for end in ("", "/items", "/queryables", "/schema")),
        *("/ogc/collections/nothing", f"{ITEMS}/abc", f"{ITEMS}/{2**63}", f"{ITEMS}/0"),
        f"/ogc/collections/job-{made.jobs[1]}/items/{theirs}",
    ):
        answer = bob.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "NotFound"), path
    cursor = next(link["href"] for link in made.get(limit=1)["links"] if link["rel"] == "next")
    assert bob.get(cursor).json()["code"] == "QueryInvalid"


def test_a_key_is_a_password_here_and_nowhere_else(made):
    key = made.client.headers["X-API-Key"]
    for secret, statuses in ((key, (200, 401)), ("wrong", (401, 401)), ("", (401, 401))):
        text = base64.b64encode(f"anybody:{secret}".encode()).decode()
        client = made.api.anonymous(Authorization=f"Basic {text}")
        assert (client.get(ITEMS).status_code, client.get("/api/v1/buildings").status_code) == statuses
    assert made.api.anonymous(Authorization="Basic %%%").get("/ogc").status_code == 401


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's ogrinfo is not installed")
def test_gdal_reads_the_same(made, tmp_path):
    every = made.features()

    def count(*arguments: str) -> int:
        env = {
            "PATH": os.environ["PATH"],
            "GDAL_HTTP_HEADERS": f"X-API-Key: {made.client.headers['X-API-Key']}",
            "GDAL_HTTP_PROXY": "",
        }
        command = ["ogrinfo", "-ro", "-al", "-so", *arguments, f"OAPIF:{made.api.url}/ogc", "buildings"]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
        line = next((line for line in done.stdout.splitlines() if line.startswith("Feature Count")), "")
        assert line, done.stdout + done.stderr
        return int(line.partition(":")[2])

    assert count() == len(every)
    box = (10.02, 49.92, 10.06, 49.96)
    assert count("-spat", *map(str, box)) == len(made.ids(bbox=",".join(map(str, box))))
    assert count("-where", "area_m2 > 50") == len(made.ids(filter="area_m2 > 50"))
    assert count("-where", f"job_id = '{made.jobs[1]}'") == len(made.ids(job_id=made.jobs[1]))


def test_features_are_plain_geojson(made):
    page = made.get(limit=5)
    assert json.loads(json.dumps(page)) == page
    for feature in page["features"]:
        assert shape(feature["geometry"]).exterior.is_ccw
        alone = made.get(f"{ITEMS}/{feature['id']}")
        assert {link["rel"] for link in alone.pop("links")} == {"self", "alternate", "collection"}
        assert alone == feature
