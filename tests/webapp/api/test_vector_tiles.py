"""Vector tiles, their descriptions and legends over HTTP."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import shapely

from processing.rendering.tile_grid import TileAddress, degrees_to_tile_px
from tests.processing.footprint_index.mvt_reading import only_layer
from tests.webapp.api.made_results import make_result
from webapp.services import footprints
from webapp.services.footprints import FootprintQuery
from webapp.services.index_feeding import feed_indexes
from webapp.services.reviews import review

MVT = "application/vnd.mapbox-vector-tile"


@pytest.fixture
def result(resources, alice, tmp_path):
    return make_result(resources, alice, tmp_path)


def address_of(result, z):
    point = shapely.box(*result.bounds_deg).centroid
    x, y = degrees_to_tile_px(np.array([[point.x, point.y]]), TileAddress(0, 0, 0), 2**z)[0]
    return f"{z}/{int(x)}/{int(y)}"


def features(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MVT
    return only_layer(answer.content).features if answer.content else []


@pytest.mark.parametrize("z", [0, 9, 13])
def test_far_out_every_footprint_is_counted(api, alice, result, z):
    found = features(api.program(alice).get(f"/tiles/footprints/{address_of(result, z)}.mvt"))
    assert sum(one.properties["count"] for one in found) == result.footprint_count


def test_near_each_footprint_is_there_with_what_the_database_says(api, alice, result):
    frame = footprints.list_footprints(api.resources, alice, FootprintQuery(job_id=result.job_id)).set_index("id")
    chosen = int(frame.index[3])
    review(api.resources, alice, chosen, "accepted")
    feed_indexes(api.resources)

    found = features(api.program(alice).get(f"/tiles/footprints/{address_of(result, 14)}.mvt"))

    assert {one.id for one in found} == set(frame.index)
    for one in found:
        assert one.properties == {
            "area_m2": pytest.approx(frame["area_m2"][one.id], abs=0.051),
            "confidence": pytest.approx(frame["confidence"][one.id], abs=1.01e-4),
            "job": result.job_id,
            "review": "accepted" if one.id == chosen else "unreviewed",
        }


@pytest.mark.parametrize("z", [5, 14])
def test_the_filters_are_those_of_all_maps(api, alice, result, z):
    client, url = api.program(alice), f"/tiles/footprints/{address_of(result, z)}.mvt"
    frame = footprints.list_footprints(api.resources, alice, FootprintQuery(job_id=result.job_id))
    middle = round(float(frame["area_m2"].median()), 2)

    def count(**parameters):
        return sum(one.properties.get("count", 1) for one in features(client.get(url, params=parameters)))

    assert count(min_area_m2=middle) == (frame["area_m2"] >= middle).sum() < len(frame)
    assert count(job_id=result.job_id) == count(scene_id=result.scene_id) == len(frame)
    assert count(review="unreviewed") == len(frame)
    assert count(review="rejected") == count(min_confidence=1) == count(created_to="2020-01-01T00:00:00Z") == 0
    assert count(region=shapely.box(-1, -1, -0.5, -0.5).wkt) == 0
    assert client.get(url, params={"review": "maybe"}).json()["code"] == "RequestInvalid"
    assert client.get(url, params={"colour_by": "area"}).status_code == 422


def test_nobody_sees_what_belongs_to_others(api, alice, bob, administrator, result, tmp_path):
    theirs = make_result(api.resources, bob, tmp_path)
    for z in (8, 14):
        url = f"/tiles/footprints/{address_of(result, z)}.mvt"
        seen = {}
        for person, jobs in ((alice, {result.job_id}), (bob, {theirs.job_id}), (administrator, None)):
            found = seen[person] = features(api.program(person).get(url))
            if z == 14:
                assert {one.properties["job"] for one in found} == (jobs or {result.job_id, theirs.job_id})
        counts = [sum(one.properties.get("count", 1) for one in seen[who]) for who in (alice, bob, administrator)]
        assert counts == [result.footprint_count, theirs.footprint_count, sum(counts[:2])]
        mine = api.program(alice).get(url, params={"job_id": result.job_id})
        for headers in ({}, {"If-None-Match": mine.headers["etag"]}):
            foreign = api.program(bob).get(url, params={"job_id": result.job_id}, headers=headers)
            assert (foreign.status_code, foreign.json()["code"]) == (404, "NotFound")
            assert api.anonymous().get(url, headers=headers).status_code == 401
        assert api.program(bob).get(url).headers["etag"] != api.program(alice).get(url).headers["etag"]
        assert features(api.program(bob).get(url, params={"scene_id": result.scene_id})) == []


def test_what_is_known_already_is_not_made_again(api, alice, result, monkeypatch):
    client, url = api.program(alice), f"/tiles/footprints/{address_of(result, 14)}.mvt"
    first = client.get(url)
    assert first.headers["cache-control"] == "private, max-age=5"
    assert client.get(url, params={"v": "7"}).headers["cache-control"] == "private, max-age=3600"
    assert {"Cookie", "Authorization", "X-API-Key"} <= set(first.headers["vary"].split(", "))
    monkeypatch.setattr("webapp.services.footprint_maps.make_vector_tile", None)
    again = client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    monkeypatch.undo()
    review(api.resources, alice, features(first)[0].id, "rejected")
    feed_indexes(api.resources)
    changed = client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.content != first.content


@pytest.mark.parametrize(
    "address", ["3/8/0", "3/0/8", "25/0/0", "-1/0/0", "3/x/0", "3/0/0.5", "3/99999999999999999999/0", "3/-1/0"]
)
def test_an_address_that_is_no_tile(shared_api, sam, address):
    answer = shared_api.program(sam).get(f"/tiles/footprints/{address}.mvt")
    assert answer.status_code == 422
    assert answer.json()["code"] in ("ParameterInvalid", "RequestInvalid")


def test_who_has_nothing_gets_nothing(shared_api, sam):
    client = shared_api.program(sam)
    for address in ("0/0/0", "13/4000/3000", "24/0/16777215"):
        answer = client.get(f"/tiles/footprints/{address}.mvt")
        assert (answer.status_code, answer.content) == (200, b"")
    assert client.get("/tiles/footprints/tiles.json").json()["bounds"][0] == -180.0


def test_a_tile_set_leads_to_the_same_footprints(api, alice, result):
    client = api.program(alice)
    wanted = {"job_id": result.job_id, "min_confidence": "0.05", "created_from": "2026-01-01T00:00:00+00:00"}
    found = client.get("/tiles/footprints/tiles.json", params=wanted).json()

    assert found["tilejson"] == "3.0.0"
    assert (found["minzoom"], found["maxzoom"], found["scheme"]) == (0, 18, "xyz")
    west, south, east, north = found["bounds"]
    frame = footprints.list_footprints(api.resources, alice, FootprintQuery(job_id=result.job_id))
    assert shapely.box(west - 1e-9, south - 1e-9, east + 1e-9, north + 1e-9).contains(shapely.box(*frame.total_bounds))
    assert east - west < 1.2 * (result.bounds_deg[2] - result.bounds_deg[0])
    (template,) = found["tiles"]
    assert template.startswith(api.url + "/tiles/footprints/{z}/{x}/{y}.mvt?")
    assert {name: value for name, (value,) in parse_qs(urlsplit(template).query).items()} == wanted
    z, x, y = address_of(result, 14).split("/")
    url = template.replace("{z}", z).replace("{x}", x).replace("{y}", y)
    near = features(client.get(url))
    far = features(client.get(f"/tiles/footprints/{address_of(result, 9)}.mvt"))
    assert len(near) == result.footprint_count
    (layer,) = found["vector_layers"]
    assert layer["id"] == "footprints"
    assert set(layer["fields"]) == set(near[0].properties) | set(far[0].properties)


def test_a_tile_set_of_pictures_keeps_its_colours(api, alice, result):
    client = api.program(alice)
    found = client.get("/tiles/footprints/raster.json", params={"colour_by": "area", "theme": "dark"}).json()
    (template,) = found["tiles"]
    assert template.endswith("/tiles/footprints/{z}/{x}/{y}.png?colour_by=area&theme=dark")
    assert "vector_layers" not in found
    assert client.get("/tiles/footprints/raster.json", params={"theme": "pink"}).status_code == 422


def test_a_tile_set_names_the_public_address(serve, resources, alice):
    settings = resources.settings.model_copy(update={"public_url": "https://maps.example.org/"})
    api = serve(replace(resources, settings=settings))
    (template,) = api.program(alice).get("/tiles/footprints/tiles.json").json()["tiles"]
    assert template == "https://maps.example.org/tiles/footprints/{z}/{x}/{y}.mvt"


def test_legends_say_what_colours_mean(api, alice, bob, result):
    client = api.program(alice)

    def legend(**parameters):
        return client.get("/tiles/footprints/legend", params=parameters).json()

    confidence = legend(colour_by="confidence", theme="dark")
    assert (confidence["colour_by"], confidence["theme"], confidence["unit"]) == ("confidence", "dark", None)
    assert confidence["entries"][0] == {"colour": "#ff5e3a", "low": 0.0, "high": 0.4, "label": None}
    assert [one["label"] for one in legend(colour_by="review")["entries"]] == ["unreviewed", "accepted", "rejected"]
    assert [one["label"] for one in legend(colour_by="job")["entries"]] == [result.job_id]
    assert legend(colour_by="area")["entries"][-1]["high"] is None
    near, far = (legend(colour_by="density", z=z)["entries"] for z in (16, 3))
    assert near[0]["low"] > far[0]["low"]
    assert api.program(bob).get("/tiles/footprints/legend?colour_by=job").json()["entries"] == []
    for wrong in ("colour_by=height", "theme=pink", "z=99", "z=-1", "size=3"):
        assert client.get(f"/tiles/footprints/legend?{wrong}").status_code == 422
