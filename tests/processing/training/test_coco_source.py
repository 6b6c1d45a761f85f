import gzip
import json

import numpy as np
import pytest

from processing.errors import LabelsInvalid
from processing.training.coco_source import folder_digest, read_coco
from tests.processing.training.labelled_folder import write_coco


def test_outlines_come_with_area_and_box(tmp_path):
    folder = write_coco(tmp_path / "source", {"a.png": [(10, 20, 30, 15)]})
    (image,) = read_coco(folder)
    (outline,) = image.outlines
    assert (image.width_px, image.height_px, image.gsd_m) == (96, 96, 0.4)
    assert outline.area_px == pytest.approx(450)
    assert outline.box == (10, 20, 40, 35)


def test_near_duplicates_are_read_once_and_neighbours_stay(tmp_path):
    roofs = [(10, 10, 30, 30), (10, 10, 30, 31), (40, 10, 30, 30)]
    (image,) = read_coco(write_coco(tmp_path / "source", {"a.png": roofs}))
    assert [outline.box[:2] for outline in image.outlines] == [(10, 10), (40, 10)]


def test_holes_are_taken_from_the_area(tmp_path):
    folder = write_coco(tmp_path / "source", {"a.png": [(10, 10, 40, 40)]})
    packed = folder / "annotations.json.gz"
    content = json.loads(gzip.decompress(packed.read_bytes()))
    content["annotations"][0]["holes"] = [[20, 20, 30, 20, 30, 30, 20, 30]]
    packed.write_bytes(gzip.compress(json.dumps(content).encode()))
    (outline,) = read_coco(folder)[0].outlines
    assert outline.area_px == pytest.approx(1500)
    np.testing.assert_array_equal(outline.holes[0][0], [20, 20])


def test_the_digest_changes_with_labels_and_with_pixels(tmp_path):
    first = folder_digest(write_coco(tmp_path / "a", {"a.png": [(10, 10, 30, 30)]}))
    assert folder_digest(write_coco(tmp_path / "b", {"a.png": [(10, 10, 30, 30)]})) == first
    assert folder_digest(write_coco(tmp_path / "c", {"a.png": [(10, 10, 30, 31)]})) != first


@pytest.mark.parametrize("text", [None, "{", "[]", '{"images": []}', '{"images": [{"id": 1}], "annotations": []}'])
def test_annotations_that_cannot_be_read_are_refused_by_name(tmp_path, text):
    folder = tmp_path / "mine"
    (folder / "images").mkdir(parents=True)
    if text is not None:
        (folder / "annotations.json").write_text(text)
    with pytest.raises(LabelsInvalid, match="mine"):
        read_coco(folder)


def test_a_missing_image_is_named(tmp_path):
    folder = write_coco(tmp_path / "mine", {"a.png": [(10, 10, 30, 30)]})
    (folder / "images" / "a.png").unlink()
    with pytest.raises(LabelsInvalid, match=r"a\.png"):
        read_coco(folder)
