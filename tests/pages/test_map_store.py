"""The map's store over the real services, on both databases."""

from dataclasses import replace

import pytest
from shapely import box
from shapely.geometry import shape

from pages.map.store import MapStore, Wanted, overlap_area_m2
from pages.projection import area_m2, bounds_to_map, point_to_degrees, to_degrees, to_map
from pages.scene_text import scene_area_m2
from pages.session import NoSession, Session, current_session
from processing.errors import AoiOutsideScene
from tests.browser.town import upload, write_town
from tests.support.made_weights import write_weights
from tests.webapp.api.made_results import make_result
from webapp.errors import NotFound
from webapp.services.footprint_maps import MapQuery
from webapp.services.footprints import FootprintQuery


@pytest.fixture
def store(resources, alice):
    return MapStore(Session(resources, alice, "token"))


@pytest.fixture
def town(tmp_path):
    return write_town(tmp_path / "town.tif").path


@pytest.fixture
def scene(resources, alice, town):
    return upload(resources, alice, town)


def part_of(scene, west=0.25, east=0.75):
    """Return a box in degrees between two shares of the scene's width; below 0 and above 1 lies outside."""
    left, bottom, right, top = scene.bounds_deg
    low, high = bottom + 0.4 * (top - bottom), bottom + 0.6 * (top - bottom)
    return box(left + west * (right - left), low, left + east * (right - left), high)


def test_scenes_and_jobs_are_the_persons_own(store, scene, resources, bob, town):
    theirs = upload(resources, bob, town)
    assert [found.id for found in store.scenes()] == [scene.id]
    job = store.extract(scene.id, None)
    assert [found.id for found in store.jobs_of(scene.id)] == [job.id]
    assert store.jobs_of(theirs.id) == []
    with pytest.raises(NotFound):
        store.extract(theirs.id, None)


def test_drawn_region_arrives_as_degrees_and_is_refused_outside(store, scene):
    region_deg = part_of(scene)
    foreseen = store.estimate(scene.id, to_map(region_deg))
    assert foreseen.area_m2 == pytest.approx(area_m2(region_deg), rel=1e-6)
    assert store.jobs_of(scene.id) == []
    job = store.extract(scene.id, to_map(region_deg))
    assert shape(job.aoi_geojson).symmetric_difference(region_deg).area < 1e-12
    with pytest.raises(AoiOutsideScene, match="does not meet the scene"):
        store.estimate(scene.id, to_map(part_of(scene, 1.5, 2.5)))
    with pytest.raises(AoiOutsideScene, match="does not meet the scene"):
        store.extract(scene.id, to_map(part_of(scene, 1.5, 2.5)))


def test_area_of_a_region_counts_what_lies_on_the_scene(scene):
    inside = overlap_area_m2(scene, to_map(part_of(scene)))
    assert inside == pytest.approx(area_m2(part_of(scene)), rel=1e-6)
    assert overlap_area_m2(scene, to_map(part_of(scene, 0.5, 1.5))) == pytest.approx(inside, rel=0.05)
    assert overlap_area_m2(scene, to_map(part_of(scene, 1.5, 2.5))) == 0
    assert scene_area_m2(scene) == pytest.approx(900 * 700 * 0.09, rel=2e-3)


def test_an_extraction_takes_the_chosen_weights_and_what_their_card_recommends(store, scene, resources):
    folder = resources.settings.data_dir / "weights"
    folder.mkdir()
    write_weights(folder / "own.onnx", name="own")
    (folder / "own.json").write_text('{"recommended_min_confidence": 0.2}')
    assert [model.name for model in store.models()] == ["default", "own"]
    job = store.extract(scene.id, None, "own")
    assert (job.params["weights"], job.params["min_confidence"]) == ("own", 0.2)
    assert store.expected(job.id, 0.5) is None


def test_cancel_ends_a_waiting_job(store, scene):
    job = store.extract(scene.id, None)
    assert store.cancel(job.id).state == "cancelled"
    assert store.job(job.id).state == "cancelled"


def test_view_without_footprints_has_no_shapes(store, scene):
    footprint_query = FootprintQuery(job_id=store.extract(scene.id, None).id)
    query, bounds = MapQuery(footprint_query), bounds_to_map(scene.bounds_deg)
    look = store.look(query, bounds, Wanted(shapes=True, figures=True))
    assert (look.shapes["xs"], look.figures.count) == ([], 0)
    assert store.figures(query).count == 0
    assert store.statistics(footprint_query).count == 0
    assert store.extent(query) is None
    assert store.sources() == []
    assert store.footprint_at(*part_of(scene).centroid.coords[0], query) is None


def test_a_view_shows_what_its_figures_count_and_a_region_leaves_out(resources, alice, tmp_path):
    made = make_result(resources, alice, tmp_path)
    store = MapStore(Session(resources, alice, "token"))
    query = MapQuery(FootprintQuery(job_id=made.job_id))
    west, south, east, north = store.extent(query)
    around = (west - 50, south - 50, east + 50, north + 50)
    look = store.look(query, around, Wanted(shapes=True, figures=True))
    assert len(look.shapes["xs"]) == look.figures.count == store.figures(query).count > 4
    assert store.look(query, around, Wanted(shapes=False, figures=True)).shapes["xs"] == []
    half = replace(query, region=to_degrees(box(west - 1, south - 1, (west + east) / 2, north + 1)))
    inside = store.look(half, around, Wanted(shapes=True, figures=False)).shapes
    assert 0 < len(inside["xs"]) == store.figures(half).count < look.figures.count
    found = 0
    for shape_xs, shape_ys in zip(look.shapes["xs"], look.shapes["ys"], strict=True):
        xs, ys = shape_xs[0][0], shape_ys[0][0]
        place = point_to_degrees((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2)
        found += store.footprint_at(*place, half) is not None
    assert found == len(inside["xs"])
    assert [source.key for source in store.sources()] == [f"scene:{made.scene_id}"]


def test_page_outside_the_gate_is_refused():
    with pytest.raises(NoSession, match="principal"):
        current_session()
