"""Areas told apart by colour: the same coverage as without colours, and each pixel has its greatest footprint's."""

import numpy as np
import pytest

from processing.footprint_index.class_areas import CLASS_BITS
from processing.footprint_index.coverage import empty_coverage
from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.grid import tile_window
from processing.footprint_index.palettes import Style, confidence_classes
from processing.footprint_index.render import cover, draw_areas, painter_of
from tests.processing.footprint_index.conftest import Known
from tests.processing.footprint_index.test_rendering_oracle import busiest_tile

FILTERS = FootprintFilters(min_confidence=0.6, min_area_m2=60.0)


@pytest.mark.parametrize("filters", [NO_FILTER, FILTERS], ids=["all", "filtered"])
@pytest.mark.parametrize("zoom", [14, 16, 18, 21])
def test_coverage_is_the_same_with_colours_and_without(known: Known, zoom: int, filters: FootprintFilters) -> None:
    window = tile_window(busiest_tile(known.rows, zoom), 256)

    plain, coloured = (
        cover(known.snapshot, window, painter_of(known.snapshot, Style(colour_by)), filters).total
        for colour_by in ("density", "confidence")
    )

    assert plain.sum() > 10
    np.testing.assert_array_equal(coloured, plain)


def test_a_pixel_has_the_class_of_the_footprint_that_covers_most_of_it(known: Known) -> None:
    """Each class drawn alone covers no pixel that another class won by more than that class does."""
    window = tile_window(busiest_tile(known.rows, 15), 256)
    painter, classes = painter_of(known.snapshot, Style("confidence")), confidence_classes()
    coverage = empty_coverage((256, 256), False, True)
    draw_areas(known.snapshot, window, painter, NO_FILTER, coverage)

    best = np.zeros((256, 256), np.int32)
    edges = [float(step) / 10_000 for step in np.flatnonzero(np.diff(classes[:-1])) + 1]
    for low, high in zip([0.00005, *edges], [*edges, 1.0], strict=True):
        alone = empty_coverage((256, 256), False, True)
        draw_areas(known.snapshot, window, painter, FootprintFilters(min_confidence=low, max_confidence=high), alone)
        own = classes[round((low + high) / 2 * 10_000)]
        assert set(np.unique(alone.best[alone.total > 0] & (2**CLASS_BITS - 1)).tolist()) <= {int(own)}
        best = np.maximum(best, alone.best)

    assert np.count_nonzero(coverage.best >> CLASS_BITS) > 1000
    seen = coverage.best >> CLASS_BITS > 0
    np.testing.assert_array_equal(coverage.best[seen], best[seen])
