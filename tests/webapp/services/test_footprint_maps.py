"""What a person sees on the map, counts and downloads, against the database as the oracle."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import shapely
from sqlalchemy import event, text

from auth.principals import SYSTEM
from processing.errors import ParameterInvalid
from processing.footprint_index.palettes import Style
from processing.rendering.tile_grid import TileAddress, bounds_to_mercator
from tests.support.people import make_person
from tests.webapp.api.made_results import make_result
from webapp.errors import NotFound, RequestInvalid
from webapp.services import footprint_index, footprint_maps, footprints
from webapp.services.footprint_index import open_index
from webapp.services.footprint_maps import Frame, MapQuery, TilePlace
from webapp.services.footprints import FootprintQuery
from webapp.services.index_feeding import feed_indexes
from webapp.services.reviews import review

PLACE = TilePlace(TileAddress(3, 2, 3))
STYLE = Style("confidence")


def pixels(picture):
    return cv2.imdecode(np.frombuffer(picture.png(), np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.fixture
def result(resources, alice, tmp_path):
    return make_result(resources, alice, tmp_path)


def test_pictures_of_others_do_not_exist(resources, alice, bob, administrator, result):
    query = MapQuery(FootprintQuery(job_id=result.job_id))
    with pytest.raises(NotFound):
        footprint_maps.tile(resources, bob, query, PLACE, STYLE)
    mine = footprint_maps.tile(resources, alice, MapQuery(), PLACE, STYLE)
    assert pixels(mine)[..., 3].any()
    assert footprint_maps.tile(resources, administrator, MapQuery(), PLACE, STYLE).png() == mine.png()
    assert not pixels(footprint_maps.tile(resources, bob, MapQuery(), PLACE, STYLE))[..., 3].any()
    assert footprint_maps.statistics(resources, bob, MapQuery()).count == 0
    assert list(footprint_maps.ids(resources, bob, MapQuery())) == []


ALL = MapQuery()


def test_the_tag_changes_with_all_that_changes_the_picture(
    resources, alice, bob, administrator, result, monkeypatch
):
    def tag(who=alice, query=ALL, place=PLACE, style=STYLE):
        return footprint_maps.tile(resources, who, query, place, style).tag

    first = tag()
    assert tag(query=MapQuery(FootprintQuery())) == first
    others = [
        tag(bob), tag(administrator), tag(query=MapQuery(FootprintQuery(min_confidence=0.3))),
        tag(query=MapQuery(FootprintQuery(review_states=frozenset({"accepted"})))),
        tag(query=MapQuery(region=shapely.box(0, 0, 1, 1))), tag(style=Style("area")), tag(style=Style("area", "dark")),
        tag(place=TilePlace(PLACE.address, 512)), tag(place=TilePlace(TileAddress(3, 2, 2))),
    ]  # fmt: skip
    review(resources, alice, int(next(footprint_maps.ids(resources, alice, MapQuery()))[0]), "accepted")
    feed_indexes(resources)
    reviewed = tag()
    monkeypatch.setattr(footprint_maps, "SOURCES_DIGEST", "drawn in another way")
    assert len({first, *others, reviewed, tag()}) == len(others) + 3


def test_figures_pictures_and_downloads_agree_with_the_database(resources, alice, result):
    frame = footprints.list_footprints(resources, alice, FootprintQuery(job_id=result.job_id))
    for number, footprint_id in enumerate(frame["id"].tolist()):
        review(resources, alice, footprint_id, ("accepted", "rejected", "unreviewed")[number % 3])
    feed_indexes(resources)
    frame = footprints.list_footprints(resources, alice, FootprintQuery(job_id=result.job_id))
    low, high = np.quantile(frame["confidence"], (0.2, 0.8))
    small, large = np.quantile(frame["area_m2"], (0.3, 0.9)).astype(np.float32).astype(float)
    for wanted in (
        FootprintQuery(),
        FootprintQuery(job_id=result.job_id, min_confidence=round(low, 2)),
        FootprintQuery(scene_id=result.scene_id, max_confidence=round(high, 2)),
        FootprintQuery(min_area_m2=small, max_area_m2=large),
        FootprintQuery(review_states=frozenset({"accepted", "rejected"})),
        FootprintQuery(created_from_s=1.0, created_to_s=2.0),
        FootprintQuery(created_from_s=1.0, created_to_s=4e9),
    ):
        figures = footprint_maps.statistics(resources, alice, MapQuery(wanted))
        expected = footprints.statistics(resources, alice, wanted)
        assert figures.count == expected.count == figures.confidence_histogram.sum() == figures.area_histogram.sum()
        assert figures.total_area_m2 == pytest.approx(expected.total_area_m2, rel=1e-6)
        ids = np.concatenate([np.zeros(0, np.int64), *footprint_maps.ids(resources, alice, MapQuery(wanted))])
        listed = footprints.list_footprints(resources, alice, wanted)
        assert sorted(ids.tolist()) == sorted(listed["id"].tolist())
        chosen = list(footprints.iter_chosen(resources, alice, [ids], rows=7))
        assert [number for batch in chosen for number in batch["id"].to_pylist()] == ids.tolist()


def test_a_view_and_a_region_hold_what_has_its_centre_in_them(resources, alice, result):
    west, south, east, north = result.bounds_deg
    half = (west, south, (west + east) / 2, north)
    frame = footprints.list_footprints(resources, alice, FootprintQuery(job_id=result.job_id))
    centre_lon = (frame.geometry.bounds.minx + frame.geometry.bounds.maxx) / 2
    expected = int((centre_lon < half[2]).sum())
    seen = footprint_maps.statistics(resources, alice, MapQuery(), bounds_to_mercator(half))
    inside = footprint_maps.statistics(resources, alice, MapQuery(region=shapely.box(*half)))
    assert 0 < seen.count == inside.count == expected < result.footprint_count
    frame_px = Frame(bounds_to_mercator(half), (300, 200))
    assert pixels(footprint_maps.view(resources, alice, MapQuery(), frame_px, STYLE)).shape == (200, 300, 4)


def test_ids_that_are_gone_meanwhile_are_left_out(resources, alice, bob, result):
    ids = next(footprint_maps.ids(resources, alice, MapQuery()))
    with resources.database.write(SYSTEM) as session:
        session.execute(text(f"DELETE FROM building_footprints WHERE id = {ids[2]}"))
    found = [number for batch in footprints.iter_chosen(resources, alice, [ids]) for number in batch["id"].to_pylist()]
    assert found == np.delete(ids, 2).tolist()
    assert list(footprints.iter_chosen(resources, bob, [ids])) == []


def test_what_cannot_be_asked_is_refused(resources, alice):
    query = FootprintQuery(review_states=frozenset({"maybe"}))
    with pytest.raises(RequestInvalid, match="unreviewed, accepted, rejected"):
        footprint_maps.statistics(resources, alice, MapQuery(query))
    with pytest.raises(ParameterInvalid):
        footprint_maps.tile(resources, alice, MapQuery(), replace(PLACE, size_px=300), STYLE).png()


@pytest.mark.parametrize("z", [3, 15])
def test_tiles_of_a_known_job_ask_the_database_nothing_and_of_others_do_not_exist(resources, alice, bob, result, z):
    query, address = MapQuery(FootprintQuery(job_id=result.job_id)), TileAddress(z, 2**z // 4, 2**z // 2 - 1)
    footprint_maps.revision(resources, bob)
    statements = []
    event.listen(resources.database.engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    footprint_maps.vector_tile(resources, alice, query, address).mvt()
    footprint_maps.tile(resources, alice, query, TilePlace(address), STYLE).png()
    assert statements == []
    for ask in (
        lambda: footprint_maps.vector_tile(resources, bob, query, address),
        lambda: footprint_maps.tile(resources, bob, query, TilePlace(address), STYLE),
        lambda: footprint_maps.bounds_deg(resources, bob, query),
    ):
        with pytest.raises(NotFound):
            ask()
    assert statements


def test_no_more_indexes_are_open_than_are_looked_at(resources, alice, result, monkeypatch):
    monkeypatch.setattr(footprint_index, "MOST_OPEN", 3)
    people = [make_person(resources, f"person{number}") for number in range(6)]
    mine = open_index(resources, alice.user_id)
    for person in people[:2]:
        open_index(resources, person.user_id)
        assert open_index(resources, alice.user_id) is mine
    held = mine.snapshot()
    for person in people:
        open_index(resources, person.user_id)
        assert len(footprint_index._opened) <= 3
    assert open_index(resources, alice.user_id) is not mine
    assert open_index(resources, alice.user_id).snapshot().checksum == held.checksum
    assert len(held) == held.recount().count == result.footprint_count
