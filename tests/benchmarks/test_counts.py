"""Figures that are exact or wrong, and the rank test of login times."""

import random

import pytest

from benchmarks.bench_login import auc, standard_error
from benchmarks.counts import Counted, publish_counts


def test_what_is_not_exact_is_said_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    exact, wrong = Counted("calls", "allowed", 100, 100, 1.0), Counted("calls", "allowed", 101, 100, 1.0)

    assert publish_counts("limits", [exact], None) == 0
    assert "NOT EXACT" not in capsys.readouterr().out
    assert publish_counts("limits", [exact, wrong], None) == 1
    assert "NOT EXACT: calls: allowed 101, not 100" in capsys.readouterr().out


def test_the_area_tells_times_apart_and_equal_ones_not() -> None:
    chance = random.Random(1)
    first, second = ([chance.gauss(500, 20) for _ in range(500)] for _ in range(2))

    assert auc([2.0, 3.0], [1.0, 1.0]) == 1.0
    assert auc([1.0, 1.0], [1.0]) == 0.5
    assert abs(auc(first, second) - 0.5) < 3 * standard_error(500)
    assert auc([value + 20 for value in first], second) > 0.7
    assert standard_error(500) == pytest.approx(0.018, abs=0.001)
