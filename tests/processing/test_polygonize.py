import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.polygonize import outline_of, with_area
from processing.views import MaskShape, tight
from tests.processing.extraction import iou


def shape_of(mask, x0=0, y0=0):
    return tight(MaskShape(x0, y0, np.where(mask, 255, 0).astype(np.uint8)))


def disc(radius, centre=(60.0, 55.0), size=(110, 120)):
    """Return a soft disc whose probability is one half on its rim."""
    rows, columns = np.indices(size) + 0.5
    distance = np.hypot(columns - centre[0], rows - centre[1])
    return np.clip(127.5 + 60 * (radius - distance), 0, 255).astype(np.uint8)


def test_a_mask_is_traced_along_the_outer_edges_of_its_pixels():
    mask = np.zeros((40, 60), bool)
    mask[10:30, 20:50] = True
    outline = outline_of(shape_of(mask, 1000, -2000))
    assert outline.bounds == pytest.approx((1020, -1990, 1050, -1970), abs=0.3)
    assert iou(outline, shapely.box(1020, -1990, 1050, -1970)) > 0.985


@pytest.mark.parametrize("radius", [5, 12, 40])
def test_a_round_building_keeps_its_area_and_its_place(radius):
    outline = outline_of(tight(MaskShape(0, 0, disc(radius))))
    assert outline.area == pytest.approx(np.pi * radius**2, rel=0.015)
    assert shapely.get_coordinates(outline.centroid)[0] == pytest.approx((60.0, 55.0), abs=0.1)
    assert len(outline.exterior.coords) < 4 + 4 * radius


def test_courtyards_are_holes_and_specks_are_not():
    mask = np.zeros((60, 60), bool)
    mask[5:55, 5:55] = True
    mask[20:35, 20:40] = False
    mask[45:47, 45:47] = False
    outline = outline_of(shape_of(mask))
    assert len(outline.interiors) == 1
    assert shapely.Polygon(outline.interiors[0]).area == pytest.approx(300, rel=0.05)


def test_the_largest_piece_is_taken_and_nothing_gives_none():
    mask = np.zeros((40, 40), bool)
    mask[2:6, 2:6] = True
    mask[10:30, 10:30] = True
    assert outline_of(shape_of(mask)).bounds == pytest.approx((10, 10, 30, 30), abs=0.3)
    assert tight(MaskShape(0, 0, np.zeros((9, 9), np.uint8))) is None
    assert outline_of(MaskShape(0, 0, np.zeros((9, 9), np.uint8))) is None


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6), density=st.floats(0.2, 0.9))
def test_any_mask_gives_a_valid_polygon(seed, density):
    rng = np.random.default_rng(seed)
    noise = (rng.random((30, 30)) < density) * rng.integers(128, 256, (30, 30))
    shape = tight(MaskShape(5, 7, noise.astype(np.uint8)))
    outline = outline_of(shape) if shape else None
    assert outline is None or (outline.is_valid and outline.geom_type == "Polygon" and outline.area > 0)


def test_walls_move_alike_until_the_area_is_right():
    ring = np.array([[0, 0], [50, 0], [50, 10], [0, 10], [0, 0]], float)
    for turned in (ring, ring[::-1]):
        moved = shapely.Polygon(with_area(turned, 530.0))
        assert moved.area == pytest.approx(530, rel=0.002)
        assert moved.bounds == pytest.approx((-0.25, -0.25, 50.25, 10.25), abs=0.01)
