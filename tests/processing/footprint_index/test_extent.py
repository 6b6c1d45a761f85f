"""How far footprints reach, against the same worked out with plain numpy."""

import pytest

from processing.footprint_index.extent import extent
from processing.footprint_index.filters import FootprintFilters
from tests.processing.footprint_index.made_footprints import centres_m
from tests.processing.footprint_index.test_statistics import FILTERS, WORLD, expected_rows


@pytest.mark.parametrize("name", FILTERS)
def test_extent_is_the_box_around_the_centres_that_pass(known, name):
    keep = expected_rows(known, WORLD, FILTERS[name])
    x, y = (values[keep] for values in centres_m(known.rows.geometries))
    found = extent(known.snapshot, FILTERS[name])
    assert found == pytest.approx((x.min(), y.min(), x.max(), y.max()), abs=0.02)


def test_extent_of_nothing_is_none(known):
    assert extent(known.snapshot, FootprintFilters(min_area_m2=1e9)) is None
