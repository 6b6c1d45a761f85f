import numpy as np
import pytest

from processing.training.coco_source import Outline
from processing.training.crops import CropMaker, label_crop
from processing.training.image_cache import build_cache
from processing.training.recipe import Recipe, SourceSpec
from tests.processing.training.labelled_folder import write_coco

RECIPE = Recipe(
    name="test",
    sources=(SourceSpec("roofs", 1.0, 0.4),),
    crop_px=64,
    target_gsd_m=(0.35, 0.45),
)
IDENTITY = np.array([[1.0, 0, 0], [0, 1, 0]])


def outline(left: float, top: float, right: float, bottom: float, hole: np.ndarray | None = None) -> Outline:
    ring = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)
    holes = () if hole is None else (hole,)
    return Outline((ring,), holes, (right - left) * (bottom - top), (left, top, right, bottom))


@pytest.fixture
def maker(tmp_path):
    write_coco(
        tmp_path / "data" / "roofs", {"a.png": [(10, 10, 30, 20), (50, 50, 30, 30)], "b.png": [(20, 30, 40, 40)]}
    )
    return CropMaker(RECIPE, build_cache(RECIPE, tmp_path / "data", tmp_path / "cache"))


def test_a_crop_depends_on_seed_and_number_only(maker):
    first, again, other = maker.make(5), maker.make(5), maker.make(6)
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert first.picture.shape == other.picture.shape == (64, 64, 3)
    assert not np.array_equal(first.picture, other.picture)


def test_labels_lie_on_the_bright_roofs_whatever_the_turn_and_scale(maker):
    overlap, total = 0, 0
    for number in range(60):
        crop = maker.make(number)
        if not len(crop.masks):
            continue
        imaged = crop.picture.any(axis=2)
        grey = crop.picture.astype(float).mean(axis=2)
        inside = crop.masks.any(axis=0)
        outside = ~inside & imaged
        for left, top, right, bottom in crop.ignored.astype(int):
            outside[top : bottom + 1, left : right + 1] = False
        if not outside.any():
            continue
        middle = (np.median(grey[inside]) + np.median(grey[outside])) / 2
        overlap += ((grey > middle) == inside)[imaged].sum()
        total += imaged.sum()
    assert overlap / total > 0.93


def test_boxes_are_those_of_the_masks(maker):
    for number in range(20):
        crop = maker.make(number)
        for box, mask in zip(crop.boxes.astype(int), crop.masks, strict=True):
            left, top, right, bottom = box
            assert mask[top:bottom, left:right].sum() == mask.sum() > 0


def test_slivers_and_specks_are_ignored_not_taught():
    imaged = np.ones((64, 64), dtype=bool)
    shown, sliver, speck = outline(10, 10, 30, 30), outline(60, 20, 90, 50), outline(40, 40, 42, 42)
    boxes, masks, ignored = label_crop((shown, sliver, speck), IDENTITY, imaged)
    assert boxes.tolist() == [[10, 10, 30, 30]]
    assert masks.sum() == 400
    assert sorted(ignored.tolist()) == [[40, 40, 42, 42], [60, 20, 64, 50]]


def test_a_building_without_imagery_is_ignored():
    imaged = np.zeros((64, 64), dtype=bool)
    boxes, _, ignored = label_crop((outline(10, 10, 30, 30),), IDENTITY, imaged)
    assert len(boxes) == 0
    assert len(ignored) == 1


def test_holes_stay_holes():
    hole = np.array([[15, 15], [25, 15], [25, 25], [15, 25]], dtype=np.float32)
    courtyard = outline(10, 10, 30, 30, hole)
    _, masks, _ = label_crop((courtyard,), IDENTITY, np.ones((64, 64), dtype=bool))
    assert masks.sum() == 300
    assert masks[0, 20, 20] == 0


def test_buildings_outside_the_crop_leave_no_trace():
    boxes, masks, ignored = label_crop((outline(100, 100, 120, 120),), IDENTITY, np.ones((64, 64), dtype=bool))
    assert (len(boxes), len(masks), len(ignored)) == (0, 0, 0)
