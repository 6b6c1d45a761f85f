import pytest

from processing.working_scale import WorkingScale


@pytest.mark.parametrize(
    ("gsd_m", "expected"),
    [(0.4, (1, 1)), (0.132, (3, 1)), (0.2, (2, 1)), (1.17, (1, 3)), (0.6, (1, 2)), (0.5, (1, 1)), (0.05, (8, 1))],
)
def test_the_nearest_whole_factor_in_the_logarithm(gsd_m, expected):
    assert WorkingScale(0.4, 0.4).factors(gsd_m) == expected


@pytest.mark.parametrize(
    ("gsd_m", "expected"),
    [(0.132, (2, 1)), (0.3, (1, 1)), (0.35, (1, 1)), (0.5, (1, 1)), (0.6, (1, 2)), (1.17, (1, 3)), (0.05, (6, 1))],
)
def test_coarse_imagery_is_enlarged_no_further_than_there_is_something_to_see(gsd_m, expected):
    assert WorkingScale(0.3, 0.4).factors(gsd_m) == expected
