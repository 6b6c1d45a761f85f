import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import mapping

from processing.aoi import read_aoi, unwrap
from processing.errors import AoiInvalid, AoiOutsideScene
from processing.params import ExtractionParams
from processing.pipeline import plan_extraction
from tests.processing.bright_roofs import CARD
from tests.processing.extraction import inspect
from tests.processing.made_scenes import paint, write_scene

SQUARE = shapely.box(15.0, 49.0, 15.1, 49.1)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda geometry: geometry,
        mapping,
        lambda geometry: {"type": "Feature", "properties": {}, "geometry": mapping(geometry)},
        lambda geometry: {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": mapping(geometry)}],
        },
    ],
    ids=["shapely", "geometry", "feature", "collection"],
)
def test_reads_every_form_of_a_region(wrap):
    assert read_aoi(wrap(SQUARE)).equals(SQUARE)


def test_a_bow_tie_is_repaired_to_its_two_wings():
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    repaired = read_aoi(bow_tie)
    assert repaired.is_valid
    assert repaired.area == pytest.approx(2.0)


@pytest.mark.parametrize(
    "region",
    [
        shapely.Point(1, 1),
        shapely.LineString([(0, 0), (1, 1)]),
        shapely.Polygon(),
        shapely.Polygon([(0, 0), (1, 1), (2, 2), (0, 0)]),
        shapely.box(0, 80, 1, 95),
        shapely.box(0, 0, 1e9, 1),
        {"type": "Polygon", "coordinates": [[[0, 0], [1, float("nan")], [1, 0], [0, 0]]]},
        {"type": "Polygon", "coordinates": "here"},
        {"type": "Polygon"},
        {"type": "Feature"},
        {"type": "Feature", "geometry": None},
        {"type": "Circle", "coordinates": [0, 0]},
        {},
    ],
)
def test_what_is_no_area_is_refused(region):
    with pytest.raises(AoiInvalid):
        read_aoi(region)


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.fixed_dictionaries({"type": st.sampled_from(["Polygon", "MultiPolygon", "Feature"]), "coordinates": junk}))
def test_junk_never_gives_anything_but_a_region_or_aoi_invalid(values):
    try:
        region = read_aoi(values)
    except AoiInvalid:
        return
    assert region.area > 0


def test_a_region_outside_the_scene_is_refused(tmp_path):
    info = inspect(write_scene(tmp_path / "scene.tif", paint((90, 90), [])))
    with pytest.raises(AoiOutsideScene):
        plan_extraction(info, CARD, ExtractionParams(), shapely.box(0, 0, 1, 1))
    _, south, east, north = info.bounds_deg
    with pytest.raises(AoiOutsideScene):
        plan_extraction(info, CARD, ExtractionParams(), shapely.box(east, south, east + 1, north))


def test_unwrapping_brings_both_sides_of_the_antimeridian_together():
    fiji = shapely.MultiPolygon([shapely.box(179, -18, 180, -17), shapely.box(-180, -18, -179, -17)])
    assert unwrap(fiji, 179.9).equals(shapely.box(179, -18, 181, -17))
    assert unwrap(fiji, -179.9).equals(shapely.box(-181, -18, -179, -17))
