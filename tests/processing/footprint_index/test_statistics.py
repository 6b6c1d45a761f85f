"""Statistics, lists and filters of views against the same worked out with plain numpy."""

import math
from typing import Any

import numpy as np
import pytest
import shapely

from processing.errors import ParameterInvalid
from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.grid import bounds_area_km2, tile_window
from processing.footprint_index.palettes import Style
from processing.footprint_index.render import painter_of, sum_up
from processing.footprint_index.selection import footprint_at, view_ids
from processing.footprint_index.statistics import view_statistics
from tests.processing.footprint_index.conftest import Known
from tests.processing.footprint_index.made_footprints import centres_m, mercator
from tests.processing.footprint_index.test_rendering_oracle import busiest_tile

WORLD = (-2.1e7, -2.1e7, 2.1e7, 2.1e7)
REGION = shapely.Polygon(
    [(-10.3, 39.7), (-9.8, 39.6), (-9.6, 40.3), (-10.1, 40.1), (-10.35, 40.4)],
    [[(-10.0, 39.8), (-9.9, 39.8), (-9.9, 40.0)]],
)
FILTERS: dict[str, FootprintFilters] = {
    "none": NO_FILTER,
    "confidence": FootprintFilters(min_confidence=0.29, max_confidence=0.58),
    "sure": FootprintFilters(min_confidence=0.57, max_confidence=1.0),
    "area": FootprintFilters(min_area_m2=50.1, max_area_m2=333.3),
    "job": FootprintFilters(jobs=frozenset({"job-b", "job-c", "job-unknown"})),
    "scene": FootprintFilters(jobs=frozenset({"job-a"}), scenes=frozenset({"scene-b"})),
    "created": FootprintFilters(created_from_s=1.7e9 + 20_000, created_to_s=1.7e9 + 60_000.25),
    "review": FootprintFilters(review=frozenset({1, 3})),
    "region": FootprintFilters(region=REGION),
    "all": FootprintFilters(0.1, 0.95, 20.0, 900.0, frozenset({"job-a", "job-b"}), None, 1.7e9, 1.7e9 + 9e4,
                            frozenset({0, 2}), REGION),
}  # fmt: skip


def expected_rows(known: Known, bounds: Any, filters: FootprintFilters) -> np.ndarray:
    """Return which rows pass, from the very arrays that were fed."""
    rows = known.rows
    x, y = centres_m(rows.geometries)
    west, south, east, north = bounds
    keep = (x >= west) & (x < east) & (y > south) & (y <= north)
    for value, low, high in (
        (rows.confidence, filters.min_confidence, filters.max_confidence),
        (rows.area_m2, filters.min_area_m2, filters.max_area_m2),
        (rows.created_s, filters.created_from_s, filters.created_to_s),
    ):
        keep &= value >= (-math.inf if low is None else low)
        keep &= value < (math.inf if high is None or (high == 1.0 and value is rows.confidence) else high)
    for value, allowed in ((rows.jobs, filters.jobs), (rows.scenes, filters.scenes), (rows.review, filters.review)):
        keep &= True if allowed is None else np.isin(value, list(allowed))
    if filters.region is not None:
        keep &= shapely.contains_xy(mercator(np.array([filters.region]))[0], x, y)
    return keep


def views(known: Known) -> dict[str, Any]:
    x, y = centres_m(known.rows.geometries)
    west, east, south, north = x.min(), x.max(), y.min(), y.max()
    return {
        "world": WORLD,
        "half": (west - 1, south + (north - south) * 0.31, west + (east - west) * 0.57, north + 1),
        "small": (np.median(x) - 900, np.median(y) - 700, np.median(x) + 800, np.median(y) + 900),
        "nothing": (0.0, 0.0, 1000.0, 1000.0),
    }


@pytest.mark.parametrize("view", ["world", "half", "small", "nothing"])
@pytest.mark.parametrize("name", FILTERS)
def test_statistics_and_ids_are_exact(known: Known, view: str, name: str) -> None:
    bounds, filters = views(known)[view], FILTERS[name]
    keep = expected_rows(known, bounds, filters)
    rows = known.rows.take(keep)

    found = view_statistics(known.snapshot, bounds, filters)
    ids = np.concatenate([np.zeros(0, int), *view_ids(known.snapshot, bounds, filters, chunk_rows=3000)])

    assert keep.sum() > 100 or view in ("nothing", "small")
    assert found.count == len(rows)
    assert sorted(ids.tolist()) == sorted(rows.ids.tolist())
    areas = rows.area_m2.astype(np.float32).astype(float)
    assert found.total_area_m2 == pytest.approx(areas.sum(), rel=1e-12)
    np.testing.assert_array_equal(found.area_histogram, np.histogram(areas, found.area_edges_m2)[0])
    hundredths = np.minimum(np.floor(rows.confidence * 100 + 1e-9), 99).astype(int)
    np.testing.assert_array_equal(found.confidence_histogram, np.bincount(hundredths, minlength=100))
    if len(rows):
        assert found.mean_area_m2 == pytest.approx(areas.mean(), rel=1e-12)
        assert found.mean_confidence == pytest.approx(rows.confidence.mean(), rel=1e-9)
    else:
        assert math.isnan(found.mean_area_m2)


@pytest.mark.parametrize("zoom", [5, 10, 12])
@pytest.mark.parametrize("few_rows", [0, 10**6], ids=["kept cells", "direct"])
@pytest.mark.parametrize("name", ["confidence", "region", "all"])
def test_filters_act_on_tiles(
    known: Known, zoom: int, few_rows: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("processing.footprint_index.render._FEW_ROWS", few_rows)
    address = busiest_tile(known.rows.take(expected_rows(known, WORLD, FILTERS[name])), zoom)
    expected = expected_rows(known, address.bounds_m, FILTERS[name])

    layers = sum_up(known.snapshot, tile_window(address, 256), painter_of(known.snapshot, Style()), FILTERS[name])

    assert layers.counts.sum() == expected.sum() > 0


def test_ids_come_in_morton_order_whatever_the_chunks(known: Known) -> None:
    bounds = views(known)["half"]

    small = np.concatenate(list(view_ids(known.snapshot, bounds, chunk_rows=500)))
    large = np.concatenate(list(view_ids(known.snapshot, bounds, chunk_rows=10**6)))

    np.testing.assert_array_equal(small, large)
    assert max(len(part) for part in view_ids(known.snapshot, bounds, chunk_rows=500)) <= 500


def test_density_and_built_up_share(known: Known) -> None:
    bounds = views(known)["half"]

    found = view_statistics(known.snapshot, bounds)

    assert found.density_per_km2 == pytest.approx(found.count / found.view_area_km2)
    assert found.built_up_share == pytest.approx(found.total_area_m2 / found.view_area_km2 / 1e6)


def test_view_area_is_that_on_the_ellipsoid() -> None:
    """The whole band of Web Mercator, and a degree at 45° north; both from Karney's polygon areas (pyproj)."""
    import pyproj

    geod = pyproj.Geod(ellps="WGS84")
    lat = np.linspace(45, 46, 500)
    ring = np.concatenate((np.column_stack((np.full(500, 7.0), lat)), np.column_stack((np.full(500, 8.0), lat[::-1]))))
    along = np.linspace(8.0, 7.0, 4000)
    ring = np.vstack((ring, np.column_stack((along, np.full(4000, 45.0)))))
    top = np.column_stack((np.linspace(7.0, 8.0, 4000), np.full(4000, 46.0)))
    ring = np.vstack((ring[:500], top, ring[500:]))
    area_m2, _ = geod.polygon_area_perimeter(ring[:, 0], ring[:, 1])
    to_m = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
    bounds = (*to_m.transform(7.0, 45.0), *to_m.transform(8.0, 46.0))

    assert bounds_area_km2(bounds) == pytest.approx(abs(area_m2) * 1e-6, rel=3e-3)


def test_the_footprint_under_a_point(known: Known) -> None:
    rng = np.random.default_rng(5)
    shapes = mercator(known.rows.geometries)
    tree = shapely.STRtree(shapes)
    picked = rng.integers(0, len(shapes), 60)
    points = [(shapes[at].centroid.x + dx, shapes[at].centroid.y + dy) for at in picked for dx, dy in ((0, 0), (17, 9))]
    hits = 0
    for x, y in points:
        under = tree.query(shapely.Point(x, y), "intersects")
        found = footprint_at(known.snapshot, x, y)
        if len(under) == 0:
            assert found is None
        else:
            smallest = under[np.argmin(known.rows.area_m2[under])]
            assert found is not None
            assert found.id == known.rows.ids[smallest]
            assert found.confidence == pytest.approx(known.rows.confidence[smallest], abs=1e-9)
            hits += 1
    assert hits >= 60


def test_what_is_filtered_away_is_not_under_a_point(known: Known) -> None:
    shape = mercator(known.rows.geometries[:1])[0]
    hidden = FootprintFilters(jobs=frozenset({"job-unknown"}))

    assert footprint_at(known.snapshot, shape.centroid.x, shape.centroid.y, hidden) is None


@pytest.mark.parametrize(
    "bounds", [(0.0, 5.0, 10.0, 5.0), (3.0, 0.0, 3.0, 9.0), (0.0, math.nan, 1.0, 1.0), (0.0, 0.0, math.inf, 1.0)]
)
def test_empty_bounds_are_refused(known: Known, bounds: Any) -> None:
    with pytest.raises(ParameterInvalid, match="bounds"):
        view_statistics(known.snapshot, bounds)


def test_filters_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ParameterInvalid, match="min_confidence"):
        FootprintFilters(min_confidence=math.nan)
    with pytest.raises(ParameterInvalid, match="region"):
        FootprintFilters(region=shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))
