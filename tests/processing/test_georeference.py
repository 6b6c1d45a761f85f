import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import Geod

from processing.scene_geometry import split_at_antimeridian, unwrap_deg
from tests.processing.extraction import footprints_of, in_pixels, matched_iou
from tests.processing.made_scenes import UTM_ORIGIN, paint, write_scene

ROOFS = [(40, 40, 100, 120), (180, 60, 260, 110), (300, 200, 360, 280)]
PICTURE = paint((320, 420), ROOFS)
GEOD = Geod(ellps="WGS84")

PLACES = {
    "mercator at 60": ("EPSG:3857", Affine(0.6, 0, 2_000_000, 0, -0.6, 8_399_737.9)),
    "degrees at 60": ("EPSG:4326", Affine(5.4e-6, 0, 10.0, 0, -2.7e-6, 60.0)),
    "UTM, far from its meridian": ("EPSG:32633", Affine(0.3, 0, 830_000, 0, -0.3, 6_600_000)),
    "south-up": ("EPSG:32633", Affine(0.3, 0, 500_000, 0, 0.3, 5_500_000)),
    "rotated": ("EPSG:32633", UTM_ORIGIN @ Affine.rotation(27)),
    "mirrored": ("EPSG:32633", Affine(-0.3, 0, 500_000, 0, -0.3, 5_500_000)),
    "feet": ("EPSG:2263", Affine(1, 0, 987_654, 0, -1, 200_000)),
    "over the antimeridian": ("EPSG:4326", Affine(2.8e-6, 0, 180 - 2.8e-6 * 230, 0, -2.7e-6, -17.0)),
    "antimeridian from the east": (
        "EPSG:4326",
        Affine(2.8e-6, 0, -180 - 2.8e-6 * 230, 0, -2.7e-6, -17.0),
    ),
    "over the antimeridian in UTM": ("EPSG:32701", Affine(0.3, 0, 180_440.9, 0, -0.3, 8_118_000)),
}


@pytest.fixture(params=PLACES, scope="module")
def place(request, tmp_path_factory):
    crs, transform = PLACES[request.param]
    path = write_scene(tmp_path_factory.mktemp("place") / "scene.tif", PICTURE, transform=transform, crs=crs)
    return path, footprints_of(path)


def geodesic_area_m2(geometry):
    return abs(GEOD.geometry_area_perimeter(shapely.segmentize(geometry, 1e-5))[0])


def test_buildings_come_back_to_their_own_pixels(place):
    path, frame = place
    if "antimeridian" in path.parent.name or frame.geometry.iloc[0].bounds[0] > 179 or frame.total_bounds[0] < -179:
        pytest.skip("the test's own way back does not know the antimeridian; the shapes are checked below")
    assert matched_iou(in_pixels(frame, path), ROOFS).min() > 0.97
    assert matched_iou(in_pixels(frame, path, "raw_geometry"), ROOFS).min() > 0.97


def test_areas_are_true_ground_areas(place):
    _, frame = place
    assert len(frame) == len(ROOFS)
    for geometry, area_m2 in zip(frame.geometry, frame.area_m2, strict=True):
        assert area_m2 == pytest.approx(geodesic_area_m2(geometry), rel=1e-4)


def test_an_area_at_60_degrees_is_a_quarter_of_its_mercator_area(tmp_path):
    crs, transform = PLACES["mercator at 60"]
    frame = footprints_of(write_scene(tmp_path / "s.tif", PICTURE, transform=transform, crs=crs))
    true_m2 = sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in ROOFS) * 0.6 * 0.6 / 4
    assert frame.area_m2.sum() == pytest.approx(true_m2, rel=0.005)


def test_longitudes_stay_in_range_and_a_building_on_the_line_is_split(place):
    _, frame = place
    for column in ("geometry", "raw_geometry"):
        bounds = shapely.bounds(np.asarray(frame[column].array))
        assert bounds[:, 0].min() >= -180
        assert bounds[:, 2].max() <= 180
        assert (bounds[:, 2] - bounds[:, 0] < 1e-2).sum() >= len(frame) - 1
        assert all(shape.is_valid for shape in frame[column])
    if frame.geometry.bounds.maxx.max() == 180.0:
        assert "MultiPolygon" in set(frame.geometry.geom_type)


def test_splitting_keeps_what_does_not_cross_and_loses_no_area():
    crossing, west, east = shapely.box(179.5, 0, 180.5, 1), shapely.box(10, 0, 11, 1), shapely.box(180.2, 0, 180.4, 1)
    split = split_at_antimeridian(np.array([crossing, west, east], object))
    assert split[0].geom_type == "MultiPolygon"
    assert split[0].area == pytest.approx(1.0)
    assert split[1] is west
    assert split[2].bounds == pytest.approx((-179.8, 0, -179.6, 1))


def test_unwrapping_keeps_degrees_next_to_each_other():
    lon_deg = np.array([179.9, -179.9, 0.0, 180.0])
    assert unwrap_deg(lon_deg, 179.0) == pytest.approx([179.9, 180.1, 0.0, 180.0])
    assert unwrap_deg(lon_deg, -179.0) == pytest.approx([-180.1, -179.9, 0.0, -180.0])
