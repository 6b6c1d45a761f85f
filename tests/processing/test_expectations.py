import numpy as np
import pytest

from processing.evaluation import PictureResult
from processing.expectations import Source, expectations, kept_threshold, reliability


def source(right: int, wrong: int, missed: int, score: float = 0.7) -> Source:
    """One picture for each building, found or not."""
    hit = PictureResult(np.array([score]), np.array([[0.8]]))
    false = PictureResult(np.array([score]), np.zeros((1, 0)))
    miss = PictureResult(np.zeros(0), np.zeros((0, 1)))
    results = [hit] * right + [false] * wrong + [miss] * missed
    return Source(results, np.arange(len(results)))


def row_at(rows, threshold):
    return next(row for row in rows if row.threshold == threshold)


def test_shares_of_one_source():
    rows = expectations([source(60, 40, 20)])
    at = row_at(rows, 0.5)
    assert (at.precision, at.recall) == pytest.approx((0.6, 0.75))
    assert at.precision_low < 0.6 < at.precision_high
    assert at.recall_low < 0.75 < at.recall_high
    above = row_at(rows, 0.75)
    assert (above.precision, above.recall) == (None, 0.0)


def test_a_large_source_does_not_decide_alone():
    rows = expectations([source(900, 100, 100), source(0, 10, 10)])
    assert row_at(rows, 0.5).recall == pytest.approx(0.45)
    # 0.9 right and 0.1 wrong for each label of the one, 0 right and 1 wrong of the other
    assert row_at(rows, 0.5).precision == pytest.approx(0.9 / 2.0)


def test_the_reliability_curve_gives_the_share_that_is_right():
    first, second = reliability([Source(source(3, 1, 0, 0.25).results + source(9, 1, 0, 0.95).results, np.arange(14))])
    assert (first.confidence, first.right, first.count) == pytest.approx((0.25, 0.75, 4))
    assert (second.confidence, second.right, second.count) == pytest.approx((0.95, 0.9, 10))


def test_nothing_labelled_promises_nothing():
    assert expectations([source(0, 5, 0)]) == []
    assert reliability([]) == []


def test_what_a_job_keeps_favours_recall():
    rows = [
        {"threshold": 0.1, "precision": 0.34, "recall": 0.51},
        {"threshold": 0.2, "precision": 0.47, "recall": 0.42},
        {"threshold": 0.9, "precision": None, "recall": 0.0},
    ]
    assert kept_threshold(rows) == 0.1
    rows[0]["precision"] = 0.1
    assert kept_threshold(rows) == 0.2
    assert kept_threshold(rows[2:]) is None
