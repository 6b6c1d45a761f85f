import math

import numpy as np
import pytest
import shapely

from processing.evaluation import (
    PictureResult,
    average_precision,
    best_threshold,
    calibration_error,
    count_areas,
    mask_iou_matrix,
    match,
    measure,
    measure_at,
    pixel_iou,
    polygon_iou_matrix,
    reliability_curve,
)


def square(left: int, top: int, side: int, size: int = 20) -> np.ndarray:
    mask = np.zeros((size, size), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def picture(scores: list[float], iou: list[list[float]], labels: int = 0) -> PictureResult:
    return PictureResult(np.array(scores), np.array(iou, dtype=float).reshape(len(scores), -1 if iou else labels))


def test_masks_half_overlapping_have_iou_of_one_third():
    found = np.stack([square(0, 0, 4), square(2, 0, 4), square(10, 10, 4)])
    iou = mask_iou_matrix(found, np.stack([square(0, 0, 4)]))
    assert iou[:, 0] == pytest.approx([1.0, 1 / 3, 0.0])


def test_polygons_and_masks_give_the_same_iou():
    corners = [(0, 0, 4), (2, 0, 4), (3, 3, 6), (10, 10, 5)]
    masks = np.stack([square(*corner) for corner in corners])
    polygons = [shapely.box(left, top, left + side, top + side) for left, top, side in corners]
    np.testing.assert_allclose(polygon_iou_matrix(polygons, polygons), mask_iou_matrix(masks, masks), atol=1e-6)


def test_no_detections_or_no_labels_give_an_empty_matrix():
    assert mask_iou_matrix(np.zeros((0, 5, 5), bool), np.zeros((3, 5, 5), bool)).shape == (0, 3)
    assert polygon_iou_matrix([shapely.box(0, 0, 1, 1)], []).shape == (1, 0)


def test_a_label_is_found_once_by_the_highest_score():
    iou = np.array([[0.6], [0.9], [0.7]])
    assert match(np.array([0.5, 0.8, 0.9]), iou, 0.5).tolist() == [False, False, True]


def test_a_detection_takes_its_best_label_and_leaves_the_other():
    iou = np.array([[0.6, 0.8], [0.0, 0.7]])
    assert match(np.array([0.9, 0.8]), iou, 0.5).tolist() == [True, False]


def test_average_precision_of_a_hand_computed_case():
    # Hits by falling score: yes, no, yes of 2 labels. Recall 0.5 at precision 1, then 1.0 at 2/3.
    result = picture([0.9, 0.8, 0.7], [[1, 0], [0, 0], [0, 1]])
    assert average_precision([result], 0.5) == pytest.approx((51 * 1.0 + 50 * 2 / 3) / 101)


def test_average_precision_pools_the_pictures():
    first, second = picture([0.9], [[1.0]]), picture([0.95], [], labels=0)
    assert average_precision([first], 0.5) == pytest.approx(1.0)
    assert average_precision([first, second], 0.5) == pytest.approx(0.5)


def test_average_precision_without_labels_is_undefined_and_without_detections_zero():
    assert math.isnan(average_precision([picture([0.5], [])], 0.5))
    assert average_precision([PictureResult(np.zeros(0), np.zeros((0, 3)))], 0.5) == 0.0


def test_precision_recall_and_f1_count_only_scores_at_the_threshold():
    result = picture([0.9, 0.6, 0.3], [[0.9, 0, 0], [0, 0.2, 0], [0, 0, 0.8]])
    at = measure_at([result], 0.6)
    assert (at.precision, at.recall, at.f1) == pytest.approx((1 / 2, 1 / 3, 2 / 5))
    assert measure_at([result], 0.95).f1 == 0.0


def test_the_best_threshold_leaves_out_the_false_ones():
    result = picture([0.9, 0.8, 0.4, 0.3], [[1, 0], [0, 1], [0, 0], [0, 0]])
    best = best_threshold([result])
    assert best.f1 == 1.0
    assert 0.4 < best.threshold <= 0.8


def test_pixel_iou_at_two_thresholds():
    found = np.stack([square(0, 0, 4), square(10, 10, 4)])
    labels = np.stack([square(0, 0, 4), square(4, 0, 4)])
    scores = np.array([0.9, 0.3])
    result = PictureResult(scores, mask_iou_matrix(found, labels), count_areas(scores, found, labels))
    assert pixel_iou([result], 0.5) == pytest.approx(16 / 32)
    assert pixel_iou([result], 0.1) == pytest.approx(16 / 48)
    assert math.isnan(pixel_iou([picture([0.5], [[1.0]])], 0.5))


def test_overlapping_detections_count_each_pixel_once_by_its_best_score():
    found = np.stack([square(0, 0, 4), square(0, 0, 4)])
    areas = count_areas(np.array([0.2, 0.8]), found, np.stack([square(0, 0, 4)]))
    assert areas.found.sum() == 16
    assert areas.found[80] == areas.common[80] == areas.labelled == 16


def test_calibration_error_of_confident_misses_and_of_honest_scores():
    honest = picture([0.75] * 4, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]])
    assert calibration_error([honest]) == pytest.approx(0.0)
    assert calibration_error([picture([0.95], [[0.1]])]) == pytest.approx(0.95)
    assert reliability_curve([honest]) == [(0.75, 0.75, 4)]


def test_all_measures_of_perfect_detections():
    labels = np.stack([square(0, 0, 4), square(8, 8, 6)])
    scores = np.array([0.9, 0.8])
    result = PictureResult(scores, mask_iou_matrix(labels, labels), count_areas(scores, labels, labels))
    measures = measure([result], 0.5)
    assert (measures.labels, measures.ap50, measures.ap50_95, measures.pixel_iou) == (2, 1.0, 1.0, 1.0)


def test_average_precision_equals_pycocotools():
    pycocotools = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rng = np.random.default_rng(3)
    truth = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "building"}], "info": {}}
    detections, results = [], []
    for image_id in range(1, 9):
        truth["images"].append({"id": image_id, "width": 64, "height": 64})
        places = [(*rng.integers(0, 50, 2), rng.integers(4, 14)) for _ in range(12)]
        labels = np.stack([square(*place, size=64) for place in places])
        moved = [(max(0, x + rng.integers(-3, 4)), max(0, y + rng.integers(-3, 4)), side) for x, y, side in places]
        found = np.stack([square(*place, size=64) for place in moved])
        scores = rng.permutation(np.linspace(0.05, 0.99, 12)) + image_id * 1e-4
        results.append(PictureResult(scores, mask_iou_matrix(found, labels)))
        for mask in labels:
            code = pycocotools.encode(np.asfortranarray(mask.astype(np.uint8)))
            truth["annotations"].append(
                {"id": len(truth["annotations"]) + 1, "image_id": image_id, "category_id": 1, "iscrowd": 0}
                | {"segmentation": code, "area": int(mask.sum()), "bbox": list(pycocotools.toBbox(code))}
            )
        for mask, score in zip(found, scores, strict=True):
            code = pycocotools.encode(np.asfortranarray(mask.astype(np.uint8)))
            detections.append({"image_id": image_id, "category_id": 1, "score": float(score), "segmentation": code})
    coco = COCO()
    coco.dataset = truth
    coco.createIndex()
    reference = COCOeval(coco, coco.loadRes(detections), "segm")
    reference.evaluate()
    reference.accumulate()
    reference.summarize()
    measures = measure(results, 0.5)
    assert measures.ap50 == pytest.approx(reference.stats[1], abs=1e-9)
    assert measures.ap50_95 == pytest.approx(reference.stats[0], abs=1e-9)
