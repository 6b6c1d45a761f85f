"""The antimeridian, the poles, holes, several parts, huge and tiny buildings."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.grid import GRID_UNITS, tile_window, view_window
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.packing import pack_shapes
from processing.footprint_index.palettes import Style
from processing.footprint_index.render import cover, painter_of, render_tile, render_view, sum_up
from processing.footprint_index.selection import footprint_at, view_ids
from processing.footprint_index.snapshot import Snapshot
from processing.footprint_index.statistics import view_statistics
from processing.rendering.tile_grid import TileAddress
from tests.processing.footprint_index.made_footprints import WORLD_M, batch_of, mercator, square_deg

HALF_M = WORLD_M / 2
SPLIT = shapely.MultiPolygon([shapely.box(179.999, 10, 180, 10.001), shapely.box(-180, 10, -179.998, 10.001)])
BEYOND = shapely.box(179.999, 10, 180.002, 10.001)


def indexed(folder: Path, *shapes: Any) -> Snapshot:
    return FootprintIndex(folder).apply(batch_of(shapes))


def covered_m2(snapshot: Snapshot, bounds: Any, width_px: int = 400, height_px: int = 400) -> float:
    window = view_window(bounds, width_px, height_px)
    coverage = cover(snapshot, window, painter_of(snapshot, Style()), NO_FILTER)
    pixel_m2 = window.units_per_px_x * window.units_per_px_y * (WORLD_M / GRID_UNITS) ** 2
    return float(coverage.total.sum(dtype=float)) * pixel_m2


@pytest.mark.parametrize("shape", [SPLIT, BEYOND], ids=["two parts", "beyond 180"])
def test_a_footprint_over_the_antimeridian_is_one_on_both_sides(folder: Path, shape: Any) -> None:
    snapshot = indexed(folder, shape, square_deg(179.5, 10))
    south, north = (shapely.bounds(mercator(np.array([BEYOND])))[0, at] for at in (1, 3))
    around = (HALF_M - 300, south - 100, -HALF_M + 400, north + 100)

    expected_m2 = shapely.area(mercator(np.array([BEYOND]))[0])
    assert covered_m2(snapshot, around) == pytest.approx(expected_m2, rel=1e-4)
    east_side = (HALF_M - 300, around[1], HALF_M, around[3])
    assert covered_m2(snapshot, east_side) == pytest.approx(expected_m2 / 3, rel=1e-3)
    west_side = (-HALF_M, around[1], -HALF_M + 400, around[3])
    assert covered_m2(snapshot, west_side) == pytest.approx(expected_m2 * 2 / 3, rel=1e-3)
    for x in (HALF_M - 50, -HALF_M + 50):
        found = footprint_at(snapshot, x, (south + north) / 2)
        assert found is not None
        assert found.id == 1
    assert view_statistics(snapshot, around).count == 1
    assert [ids.tolist() for ids in view_ids(snapshot, around)] == [[1]]
    # Its centre lies in the west of the world, and there alone it is counted.
    assert view_statistics(snapshot, west_side).count == 1
    assert view_statistics(snapshot, (HALF_M - 1e6, south - 1e5, HALF_M, north + 1e5)).count == 1
    region = FootprintFilters(region=shapely.box(179.9, 9, 180.1, 11))
    assert view_statistics(snapshot, around, region).count == 1


def test_a_view_wider_than_the_world_shows_it_again_and_counts_it_once(folder: Path) -> None:
    snapshot = indexed(folder, square_deg(10, 10), square_deg(-170, -20))
    bounds = (-2 * WORLD_M, -HALF_M, 2 * WORLD_M, HALF_M)

    layers = sum_up(snapshot, view_window(bounds, 1024, 256), painter_of(snapshot, Style()), NO_FILTER)

    assert layers.counts.sum() == 8
    assert view_statistics(snapshot, bounds).count == 2


def test_footprints_at_and_beyond_the_edges_of_the_map_stay_in_it(folder: Path) -> None:
    shapes = [square_deg(0, 89), square_deg(5, -89), square_deg(20, 85.051, 0.01), square_deg(-179.9999, 0)]
    snapshot = indexed(folder, *shapes)

    assert view_statistics(snapshot, (-HALF_M, -HALF_M, HALF_M, HALF_M)).count == 4
    tiles = [TileAddress(1, x, y) for x in (0, 1) for y in (0, 1)]
    counts = [
        sum_up(snapshot, tile_window(tile, 256), painter_of(snapshot, Style()), NO_FILTER).counts.sum()
        for tile in tiles
    ]
    assert sum(counts) == 4
    assert render_tile(snapshot, TileAddress(22, 2**21, 0)).startswith(b"\x89PNG")
    assert render_tile(snapshot, TileAddress(22, 2**21, 2**22 - 1)).startswith(b"\x89PNG")


def test_holes_and_parts_keep_their_area_and_their_inside(folder: Path) -> None:
    hole = shapely.box(20.0004, 30.0004, 20.0006, 30.0006)
    shape = shapely.MultiPolygon(
        [
            shapely.Polygon(shapely.box(20, 30, 20.001, 30.001).exterior, [hole.exterior]),
            shapely.Polygon(square_deg(20.002, 30.0005, 0.0006).exterior.reverse()),
        ]
    )
    snapshot = indexed(folder, shape)
    bounds_m = shapely.bounds(mercator(np.array([shape])))[0]

    view = tuple(bounds_m + np.array([-7, -7, 7, 7]))
    assert covered_m2(snapshot, view) == pytest.approx(shapely.area(mercator(np.array([shape]))[0]), rel=1e-4)
    inside, holed, part = (mercator(np.array([shapely.Point(lon, 30.0005)]))[0] for lon in (20.0002, 20.0005, 20.002))
    assert footprint_at(snapshot, inside.x, inside.y) is not None
    assert footprint_at(snapshot, holed.x, holed.y) is None
    assert footprint_at(snapshot, part.x, part.y) is not None


def test_a_huge_building_covers_every_view_inside_it(folder: Path) -> None:
    snapshot = indexed(folder, square_deg(40, 10, 0.05), square_deg(41, 11))
    x, y = mercator(np.array([shapely.Point(40, 10)]))[0].coords[0]

    assert covered_m2(snapshot, (x - 300, y - 300, x + 300, y + 300)) == pytest.approx(600**2, rel=1e-6)
    found = footprint_at(snapshot, x + 2500, y)
    assert found is not None
    assert found.id == 1
    edge = mercator(np.array([shapely.Point(40.025, 10)]))[0].x
    # Its vertices are kept in steps of 16 units, which is 15 cm.
    assert covered_m2(snapshot, (edge - 300, y - 300, edge + 300, y + 300)) == pytest.approx(600**2 / 2, rel=1e-3)


def test_buildings_smaller_than_a_pixel_keep_their_area(folder: Path) -> None:
    rng = np.random.default_rng(4)
    shapes = [square_deg(8 + lon, 47 + lat, 0.00002) for lon, lat in rng.uniform(0, 0.05, (300, 2))]
    snapshot = indexed(folder, *shapes)
    west, south, east, north = shapely.total_bounds(mercator(np.array(shapes)))

    pixel_m = WORLD_M / 2**14 / 256
    view = (west - 99, south - 99, west - 99 + 900 * pixel_m, south - 99 + 1200 * pixel_m)
    assert covered_m2(snapshot, view, 900, 1200) == pytest.approx(
        shapely.area(mercator(np.array(shapes))).sum(), rel=1e-4
    )
    assert east < view[2]
    assert north < view[3]


def test_shapes_come_back_within_a_millimetre() -> None:
    shape = shapely.box(-122.40012345678, 37.7901234567, -122.40003456789, 37.7901987654)
    packed = pack_shapes(np.array([shape]))

    step = 2.0 ** packed.scale[0]
    x = (packed.x[0] + packed.vertices[:, 0] * step) / GRID_UNITS * WORLD_M - HALF_M
    expected = shapely.bounds(mercator(np.array([shape])))[0]
    assert (x.min(), x.max()) == pytest.approx((expected[0], expected[2]), abs=1e-3)


def test_views_with_nothing_are_small_and_transparent(folder: Path) -> None:
    snapshot = indexed(folder, square_deg(10, 10))

    assert len(render_view(snapshot, (0.0, 0.0, 5000.0, 5000.0), (1200, 800))) < 2500
