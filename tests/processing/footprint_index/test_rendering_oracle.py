"""Datashader and shapely on the same footprints must agree with our own loops."""

import datashader
import numpy as np
import pandas
import pytest
import shapely

from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.grid import GridWindow, tile_window, view_window
from processing.footprint_index.layers import CONFIDENCE, COUNT
from processing.footprint_index.palettes import Style
from processing.footprint_index.render import cover, painter_of, sum_up
from processing.rendering.tile_grid import TileAddress
from tests.processing.footprint_index.conftest import Known
from tests.processing.footprint_index.made_footprints import WORLD_M, centres_m, mercator


def busiest_tile(rows: FootprintBatch, zoom: int) -> TileAddress:
    """Return the tile with the most footprints."""
    x, y = centres_m(rows.geometries)
    tiles, counts = np.unique(
        np.floor(np.column_stack((x / WORLD_M + 0.5, 0.5 - y / WORLD_M)) * 2**zoom), axis=0, return_counts=True
    )
    return TileAddress(zoom, *tiles[counts.argmax()].astype(int).tolist())


def window_bounds_m(window: GridWindow) -> tuple[float, float, float, float]:
    """Return west, south, east, north."""
    scale = WORLD_M / 2**32
    half = WORLD_M / 2
    left, right = window.left * scale - half, window.right * scale - half
    return left, half - window.bottom * scale, right, half - window.top * scale


def point_counts(known: Known, window: GridWindow, column: str | None = None) -> np.ndarray:
    """Return datashader's counts, or sums of a column, of the kept centres, north up."""
    scale = WORLD_M / 2**32
    columns = [segment.columns for segment in known.snapshot.segments]
    alive = [np.setdiff1d(np.arange(s.entry.rows), s.dead_rows) for s in known.snapshot.segments]
    x = np.concatenate([c.x[rows] for c, rows in zip(columns, alive, strict=True)]) + 0.5
    y = np.concatenate([c.y[rows] for c, rows in zip(columns, alive, strict=True)]) + 0.5
    value = np.concatenate([c.confidence[rows] for c, rows in zip(columns, alive, strict=True)]).astype(float)
    frame = pandas.DataFrame({"x": x * scale, "y": -y * scale, "value": value})
    ends = [(window.left * scale, window.right * scale), (-window.bottom * scale, -window.top * scale)]
    canvas = datashader.Canvas(window.width_px, window.height_px, *ends)
    how = datashader.count() if column is None else datashader.sum("value")
    return np.nan_to_num(np.asarray(canvas.points(frame, "x", "y", how)))[::-1]


@pytest.mark.parametrize("zoom", [0, 4, 7, 9, 10, 11, 13])
@pytest.mark.parametrize("size_px", [256, 512])
def test_counts_of_tiles_are_those_of_datashader(known: Known, zoom: int, size_px: int) -> None:
    window = tile_window(busiest_tile(known.rows, zoom), size_px)

    layers = sum_up(known.snapshot, window, painter_of(known.snapshot, Style()), NO_FILTER)

    expected = point_counts(known, window)
    assert expected.sum() > 20
    np.testing.assert_array_equal(layers.counts, expected)


@pytest.mark.parametrize("zoom", [8, 12])
def test_sums_of_confidence_are_those_of_datashader(known: Known, zoom: int) -> None:
    window = tile_window(busiest_tile(known.rows, zoom), 256)

    layers = sum_up(known.snapshot, window, painter_of(known.snapshot, Style("confidence")), NO_FILTER)

    assert painter_of(known.snapshot, Style("confidence")).quantity == CONFIDENCE
    np.testing.assert_allclose(layers.value, point_counts(known, window, "value"), rtol=1e-5, atol=0.5)


def test_a_view_between_two_zooms_keeps_the_number_of_footprints(known: Known) -> None:
    x, y = centres_m(known.rows.geometries)
    bounds = (x.min() - 9000, y.min() - 9000, x.max() + 9000, y.max() + 9000)
    window = view_window(bounds, 301, 277)

    layers = sum_up(known.snapshot, window, painter_of(known.snapshot, Style()), NO_FILTER)

    assert layers.counts.sum() == pytest.approx(len(known.rows), rel=1e-5)
    assert painter_of(known.snapshot, Style()).quantity == COUNT


@pytest.mark.parametrize("zoom", [14, 15, 16, 17, 18, 19])
def test_covered_area_is_that_of_shapely(known: Known, zoom: int) -> None:
    x, y = centres_m(known.rows.geometries)
    busiest = int(np.argmin(np.hypot(x - np.median(x), y - np.median(y))))
    centre = mercator(known.rows.geometries[busiest : busiest + 1])[0].centroid
    pixel_m = WORLD_M / 2**zoom / 256
    bounds = (centre.x - 500 * pixel_m, centre.y - 400 * pixel_m, centre.x + 500 * pixel_m, centre.y + 400 * pixel_m)
    window = view_window(bounds, 1000, 800)

    coverage = cover(known.snapshot, window, painter_of(known.snapshot, Style()), NO_FILTER)

    west, south, east, north = window_bounds_m(window)
    shapes = mercator(known.rows.geometries)
    expected_m2 = shapely.area(shapely.clip_by_rect(shapes, west, south, east, north)).sum()
    assert coverage.total.sum(dtype=float) * pixel_m**2 == pytest.approx(expected_m2, rel=1e-4)


def test_pixels_inside_are_those_of_shapely(known: Known) -> None:
    """With small pixels, those covered by more than half are those whose centre is inside, but for some on the rim."""
    shape = known.rows.geometries[77]
    west, south, east, north = shapely.bounds(mercator(np.array([shape]))[0])
    window = view_window((west - 3, south - 3, east + 3, north + 3), 400, 400)
    alone = FootprintFilters(region=shape.buffer(1e-7))

    coverage = cover(known.snapshot, window, painter_of(known.snapshot, Style()), alone)

    west, south, east, north = window_bounds_m(window)
    steps = (np.arange(400) + 0.5) / 400
    x, y = np.meshgrid(west + steps * (east - west), north - steps * (north - south))
    within = shapely.contains_xy(mercator(np.array([shape]))[0], x, y)
    assert np.count_nonzero((coverage.total > 0.5) != within) < 8
    assert within.sum() > 5000
