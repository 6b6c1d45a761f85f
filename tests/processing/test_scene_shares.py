from dataclasses import replace

import numpy as np
import pytest
import shapely

from processing.scene_shares import M_PER_DEG, RIM_M, Candidate, overlapping_gaps, share_out

M = 1 / M_PER_DEG
"""A metre, on the equator, in degrees."""
EVERYWHERE = shapely.box(-10, -10, 10, 10)


def scene(west_m, east_m, south_m=-500.0, north_m=500.0, **changes):
    outline = shapely.box(west_m * M, south_m * M, east_m * M, north_m * M)
    return replace(Candidate(outline, 0.3, 1.0, 1.0), **changes)


def pieces_of(candidates, region=EVERYWHERE):
    shares = share_out(candidates, region)
    return {share.scene: share.region or candidates[share.scene].outline for share in shares}


def width_m(piece):
    west, _, east, _ = piece.bounds
    return (west / M, east / M)


def assert_parted(candidates, pieces, region=EVERYWHERE):
    """Nothing is looked at twice, and nothing that some scene shows is left out."""
    shapes = list(pieces.values())
    union = shapely.union_all(shapes)
    assert sum(shape.area for shape in shapes) == pytest.approx(union.area, rel=1e-9)
    shown = shapely.intersection(shapely.union_all([one.outline for one in candidates]), region)
    assert shapely.symmetric_difference(shown, union).area < 1e-6 * shown.area


def test_a_scene_alone_is_whole_and_has_no_region():
    shares = share_out([scene(0, 1000)], EVERYWHERE)
    assert [(share.scene, share.region) for share in shares] == [(0, None)]


def test_a_scene_over_the_border_gets_what_lies_inside():
    candidates, region = [scene(-1000, 1000)], shapely.box(0, -1, 1, 1)
    pieces = pieces_of(candidates, region)
    assert width_m(pieces[0]) == pytest.approx((0, 1000))
    assert share_out([scene(-1000, -1)], region) == []


def test_the_finer_scene_keeps_its_core_and_the_line_is_where_both_see_whole_buildings():
    candidates = [scene(0, 1000, gsd_m=0.5), scene(600, 1600, gsd_m=0.2)]
    pieces = pieces_of(candidates)
    assert width_m(pieces[1]) == pytest.approx((600 + RIM_M, 1600), abs=0.1)
    assert width_m(pieces[0]) == pytest.approx((0, 600 + RIM_M), abs=0.1)
    assert_parted(candidates, pieces)


def test_of_equal_scenes_the_newer_one_comes_first_and_a_copy_gets_nothing():
    candidates = [scene(0, 1000), scene(0, 1000, created_at=2.0)]
    assert set(pieces_of(candidates)) == {1}


def test_scenes_that_hardly_overlap_are_parted_at_the_edge_of_the_first():
    candidates = [scene(0, 1000), scene(990, 2000, gsd_m=0.5)]
    pieces = pieces_of(candidates)
    assert width_m(pieces[0]) == pytest.approx((0, 1000), abs=0.1)
    assert_parted(candidates, pieces)


def test_a_scene_with_gaps_gives_way_and_keeps_nobody_away():
    torn = scene(0, 1000, gsd_m=0.1, valid_share=0.9)
    candidates = [torn, scene(600, 1600)]
    pieces = pieces_of(candidates)
    assert width_m(pieces[1]) == pytest.approx((600, 1600), abs=0.1)
    assert_parted(candidates, pieces)
    both = [torn, scene(600, 1600, valid_share=0.9)]
    shares = share_out(both, EVERYWHERE)
    assert [share.region for share in shares] == [None, None]
    assert overlapping_gaps(both, shares) == [0, 1]
    assert overlapping_gaps(candidates, share_out(candidates, EVERYWHERE)) == []


def test_a_scene_smaller_than_its_rims_still_gets_its_ground():
    candidates = [scene(0, 40, 0, 40), scene(1000, 2000)]
    assert set(pieces_of(candidates)) == {0, 1}


def test_any_heap_of_scenes_is_parted_without_rest():
    random = np.random.default_rng(5)
    for _ in range(10):
        corners = random.uniform(0, 3000, (12, 2))
        sizes = random.uniform(20, 1500, (12, 2))
        candidates = [
            scene(x, x + width, y, y + height, gsd_m=float(random.choice([0.2, 0.3, 0.5])), created_at=float(number))
            for number, ((x, y), (width, height)) in enumerate(zip(corners, sizes, strict=True))
        ]
        region = shapely.Point(1500 * M, 1500 * M).buffer(1400 * M)
        assert_parted(candidates, pieces_of(candidates, region), region)


def test_the_antimeridian_is_no_border():
    halves = shapely.union(shapely.box(179.99, 51, 180, 51.01), shapely.box(-180, 51, -179.99, 51.01))
    region = shapely.union(shapely.box(170, 50, 180, 52), shapely.box(-180, 50, -170, 52))
    shares = share_out([Candidate(halves, 0.3, 1.0, 1.0)], region)
    assert [share.region for share in shares] == [None]
