import numpy as np
import pytest

from processing.evaluation import PictureResult, average_precision, count_areas, match, measure_at
from processing.intervals import bootstrap_ap, draw_pictures, intervals, picture_numbers, wilson


def made(pictures: int, seed: int = 0) -> list[PictureResult]:
    rng = np.random.default_rng(seed)
    results = []
    for _ in range(pictures):
        found, labels = int(rng.integers(1, 12)), int(rng.integers(1, 10))
        iou = np.where(rng.random((found, labels)) < 0.2, rng.random((found, labels)), 0.0)
        masks = rng.random((found, 8, 8)) < 0.3
        scores = rng.random(found)
        areas = count_areas(scores, masks, rng.random((1, 8, 8)) < 0.4)
        results.append(PictureResult(scores, iou, areas))
    return results


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilson_gives_the_published_values(successes, total, low, high):
    assert wilson(successes, total) == pytest.approx((low, high), abs=2e-4)


def test_drawing_a_picture_twice_is_having_it_twice():
    results = made(12)
    drawn = draw_pictures(12, rounds=25)
    hits = [match(result.scores, result.iou, 0.5) for result in results]
    fast = bootstrap_ap(results, hits, np.arange(12), drawn)
    for counts, value in zip(drawn, fast, strict=True):
        again = [result for result, times in zip(results, counts, strict=True) for _ in range(int(times))]
        assert value == pytest.approx(average_precision(again, 0.5), abs=1e-12)


def test_intervals_hold_the_measures_and_narrow_with_more_pictures():
    wide, narrow = (intervals(made(count), np.arange(count), 0.5) for count in (10, 160))
    at = measure_at(made(160), 0.5)
    assert narrow.f1[0] < at.f1 < narrow.f1[1]
    assert narrow.ap50[0] < average_precision(made(160), 0.5) < narrow.ap50[1]
    for name in ("precision", "recall", "f1", "ap50", "pixel_iou"):
        (low, high), (far_low, far_high) = getattr(narrow, name), getattr(wide, name)
        assert 0 < high - low < far_high - far_low, name


def test_windows_of_one_picture_are_drawn_together():
    results = made(40)
    one_each = intervals(results, np.arange(40), 0.5)
    two_pictures = intervals(results, np.arange(40) % 2, 0.5)
    assert (one_each.pictures, two_pictures.pictures) == (40, 2)
    assert two_pictures.f1 != one_each.f1
    np.testing.assert_array_equal(picture_numbers(["b", "a", "b"]), [1, 0, 1])


def test_nothing_measured_gives_no_interval():
    empty = intervals([], np.zeros(0, np.int64), 0.5)
    assert empty.precision == (0.0, 1.0)
    assert np.isnan(empty.f1).all()
