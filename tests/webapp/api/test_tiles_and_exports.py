import csv
import io
import json
import zipfile

import cv2
import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from processing.exports.formats import FORMATS
from tests.processing.exports.read_back import read
from tests.support.jobs import add_scene, submit
from tests.webapp.api.made_results import make_result
from webapp.services import footprints
from webapp.services.footprints import FootprintQuery


@pytest.fixture
def result(resources, alice, tmp_path):
    return make_result(resources, alice, tmp_path)


def address_of(result, z):
    west, south, east, north = result.bounds_deg
    x = int(((west + east) / 2 + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians((south + north) / 2))) / np.pi) / 2 * 2**z)
    return f"{z}/{x}/{y}"


def pixels(answer):
    assert answer.headers["content-type"] == "image/png"
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)


def test_roofs_in_the_imagery_lie_under_the_drawn_footprints(api, alice, result):
    client, where = api.program(alice), address_of(result, 19)
    imagery = pixels(client.get(f"/tiles/scenes/{result.scene_id}/{where}.png"))
    drawn = pixels(client.get(f"/tiles/footprints/{where}.png?job_id={result.job_id}&v=7"))
    roofs = imagery[..., 0] > 150
    assert roofs.sum() > 2000
    fills = drawn[..., 3] > 0
    assert fills[roofs].mean() > 0.97
    outside = cv2.dilate(roofs.astype(np.uint8), np.ones((13, 13))) == 0
    assert fills[outside].mean() < 0.01


@pytest.mark.parametrize("z", [0, 8, 13, 14, 18, 22])
def test_footprints_show_at_every_zoom(api, alice, result, z):
    job = f"job_id={result.job_id}"
    frame = footprints.list_footprints(api.resources, alice, FootprintQuery(job_id=result.job_id))
    point = frame.geometry.iloc[len(frame) // 2].representative_point()
    x = int((point.x + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians(point.y))) / np.pi) / 2 * 2**z)
    client = api.program(alice)
    assert pixels(client.get(f"/tiles/footprints/{z}/{x}/{y}.png?{job}"))[..., 3].any()
    assert pixels(client.get(f"/tiles/footprints/{z}/{x}/{y}.png"))[..., 3].any()
    assert pixels(client.get(f"/tiles/footprints/{z}/{x}/{y}.png?scene_id={result.scene_id}"))[..., 3].any()
    sure = frame["confidence"].max()
    none = client.get(f"/tiles/footprints/{z}/{x}/{y}.png?{job}&min_confidence=1")
    assert sure < 1
    assert not pixels(none)[..., 3].any()


def test_tiles_are_kept_by_the_person_s_browser_only(api, alice, result):
    client, where = api.program(alice), address_of(result, 18)
    for url in (
        f"/tiles/scenes/{result.scene_id}/{where}.png",
        "/tiles/base/3/2/3.png",
        f"/tiles/footprints/{where}.png",
    ):
        answer = client.get(url)
        assert answer.headers["cache-control"].startswith("private, max-age=")
        assert "Cookie" in answer.headers["vary"]
        again = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_tile_that_is_cached_here_still_asks_whose_it_is(api, alice, bob, administrator, result):
    where = address_of(result, 18)
    urls = (
        f"/tiles/scenes/{result.scene_id}/{where}.png",
        f"/tiles/footprints/{where}.png?job_id={result.job_id}",
        f"/tiles/footprints/3/2/3.png?job_id={result.job_id}",
    )
    for url in urls:
        mine = api.program(alice).get(url)
        assert mine.status_code == 200
        for headers in ({}, {"If-None-Match": mine.headers["etag"]}):
            assert api.program(bob).get(url, headers=headers).status_code == 404
            assert api.anonymous().get(url, headers=headers).status_code == 401
        assert api.program(administrator).get(url).content == mine.content


@pytest.mark.parametrize(
    "address", ["3/8/0", "3/0/8", "25/0/0", "-1/0/0", "3/x/0", "3/0/0.5", "3/99999999999999999999/0"]
)
def test_an_address_that_is_no_tile(shared_api, sam, address):
    for kind in ("base", "footprints"):
        answer = shared_api.program(sam).get(f"/tiles/{kind}/{address}.png")
        assert answer.status_code == 422
        assert answer.json()["code"] in ("ParameterInvalid", "RequestInvalid")


def test_both_looks_of_the_base_map(shared_api, sam):
    client = shared_api.program(sam)
    light, dark = (pixels(client.get(f"/tiles/base/4/8/5.png?theme={theme}")) for theme in ("light", "dark"))
    assert light.mean() > 2 * dark.mean()
    assert client.get("/tiles/base/4/8/5.png?theme=pink").status_code == 422


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_holds_every_footprint(api, alice, result, name, tmp_path):
    client = api.program(alice)
    answer = client.get("/api/v1/buildings/export", params={"job_id": result.job_id, "format": name})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FORMATS[name].media_type
    filename = f"made-alice-{result.job_id[:8]}{FORMATS[name].suffix}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{filename}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    expected = footprints.list_footprints(api.resources, alice, FootprintQuery(job_id=result.job_id))
    path = tmp_path / filename
    path.write_bytes(answer.content)
    if name == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert len(rows) == result.footprint_count
        return
    if name == "parquet":
        found = gpd.read_parquet(path)
    elif name == "shapefile":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            layer = next(entry for entry in archive.namelist() if entry.endswith(".shp"))
        found = pyogrio.read_dataframe(f"/vsizip/{path}/{layer}")
    elif name == "geojsonseq":
        features = [json.loads(line.strip("\x1e")) for line in answer.text.splitlines() if line.strip("\x1e ")]
        found = gpd.GeoDataFrame.from_features(features, crs=4326)
    else:
        found = read(name, path)
    assert len(found) == result.footprint_count
    ours, theirs = (shapely.area(frame.geometry.to_numpy()).sum() for frame in (expected, found))
    assert theirs == pytest.approx(ours, rel=0.05 if name == "pmtiles" else 1e-5)  # a tile's grid is 0.3 m


def test_an_export_of_the_view_holds_what_meets_it(api, alice, result):
    west, south, east, north = result.bounds_deg
    box = (west, south, (west + east) / 2, north)
    params = {"bbox": ",".join(map(str, box)), "job_id": result.job_id}
    features = api.program(alice).get("/api/v1/buildings/export", params=params).json()["features"]
    frame = footprints.list_footprints(api.resources, alice, FootprintQuery(job_id=result.job_id))
    expected = frame[frame.geometry.envelope.intersects(shapely.box(*box))]
    assert 0 < len(features) == len(expected) < result.footprint_count


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_result_is_a_valid_empty_file(sqlite_api, alice, name, tmp_path):
    job = submit(sqlite_api.resources, alice, add_scene(sqlite_api.resources, alice))
    answer = sqlite_api.program(alice).get("/api/v1/buildings/export", params={"job_id": job.id, "format": name})
    assert answer.status_code == 200
    path = tmp_path / f"empty{FORMATS[name].suffix}"
    path.write_bytes(answer.content)
    if name == "geojson":
        assert answer.json()["features"] == []
    elif name == "parquet":
        assert len(gpd.read_parquet(path)) == 0
    elif name in ("gpkg", "fgb"):
        assert len(pyogrio.read_dataframe(path)) == 0


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({}, 422, "RequestInvalid"),
        ({"job_id": "nothing"}, 404, "NotFound"),
        ({"bbox": "1,2,3"}, 422, "BboxInvalid"),
        ({"bbox": "a,b,c,d"}, 422, "BboxInvalid"),
        ({"bbox": "1,2,nan,4"}, 422, "BboxInvalid"),
        ({"bbox": "1,20,3,4"}, 422, "BboxInvalid"),
        ({"bbox": "1,2,300,4"}, 422, "BboxInvalid"),
        ({"bbox": "1,2,3,4", "format": "exe"}, 422, "FormatUnknown"),
        ({"bbox": "1,2,3,4", "min_confidence": "2"}, 422, "RequestInvalid"),
        ({"bbox": "1,2,3,4", "owner_id": "1"}, 422, "RequestInvalid"),
    ],
)
def test_an_export_that_cannot_be_is_a_problem_not_a_file(shared_api, sam, params, status, code):
    answer = shared_api.program(sam).get("/api/v1/buildings/export", params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "content-disposition" not in answer.headers


def test_an_export_that_is_left_half_way_leaves_no_file(sqlite_api, alice, result):
    scratch = sqlite_api.resources.settings.data_dir / "scratch"
    params = {"job_id": result.job_id, "format": "gpkg"}
    with sqlite_api.program(alice).stream("GET", "/api/v1/buildings/export", params=params) as answer:
        next(answer.iter_raw(1000))
    assert sqlite_api.program(alice).get("/api/v1/auth/me").status_code == 200
    import time

    deadline = time.monotonic() + 5
    while list(scratch.glob("*")) or list(scratch.glob(".*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_lists_tell_how_many_there_are(api, alice, result):
    client = api.program(alice)
    page = client.get("/api/v1/buildings", params={"job_id": result.job_id, "limit": 3, "count": True}).json()
    assert (page["numberMatched"], page["numberReturned"], len(page["features"])) == (result.footprint_count, 3, 3)
    feature = page["features"][0]
    assert shapely.geometry.shape(feature["geometry"]).is_valid
    found_by = {"job_id", "job_url", "scene_id", "gsd_m", "weights", "weights_sha256"}
    known = {"area_m2", "confidence", "reg_method", "created_at", "review_state", "source_id", "source_name"}
    assert set(feature["properties"]) == known | found_by
    statistics = client.get("/api/v1/buildings/statistics/overview", params={"job_id": result.job_id}).json()
    assert statistics["count"] == result.footprint_count
    assert statistics["mean_area_m2"] == pytest.approx(statistics["total_area_m2"] / result.footprint_count)


def test_jobs_are_listed_page_by_page(api, alice):
    scene_id = add_scene(api.resources, alice)
    made = [submit(api.resources, alice, scene_id).id for _ in range(5)]
    client, seen, before = api.program(alice), [], None
    while True:
        params = {"limit": 2} | ({"before": before} if before else {})
        page = client.get("/api/v1/jobs", params=params).json()
        seen += [job["id"] for job in page["jobs"]]
        before = page["next_before"]
        if before is None:
            break
    assert sorted(seen) == sorted(made)
    assert len(seen) == 5
