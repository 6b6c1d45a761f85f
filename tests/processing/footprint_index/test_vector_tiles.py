"""Vector tiles, read by a strict reader and by GDAL, against shapely and against plain counting."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely

from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.extent import extent_deg
from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.grid import GRID_UNITS
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.snapshot import Snapshot
from processing.footprint_index.vector_tile import FIELDS, vector_tile
from processing.rendering.tile_grid import TileAddress
from tests.processing.footprint_index.conftest import Known
from tests.processing.footprint_index.made_footprints import NEAR, WORLD_M, batch_of, centres_m, mercator, square_deg
from tests.processing.footprint_index.mvt_reading import Feature, Layer, only_layer, read_tile
from tests.processing.footprint_index.test_rendering_oracle import busiest_tile

EXTENT, BUFFER = 4096, 64
NAMES = {0: "unreviewed", 1: "accepted", 2: "rejected"}
REGION = shapely.box(NEAR[0] - 0.3, NEAR[1] - 0.3, NEAR[0] + 0.2, NEAR[1] + 0.25)
FILTERS = (
    FootprintFilters(min_confidence=0.3, max_confidence=0.9),
    FootprintFilters(min_area_m2=60.0, max_area_m2=300.0),
    FootprintFilters(jobs=frozenset({"job-a", "job-c"}), scenes=frozenset({"scene-b"})),
    FootprintFilters(review=frozenset({1, 2}), created_from_s=1.7e9 + 20_000, created_to_s=1.7e9 + 80_000),
    FootprintFilters(region=REGION),
)


def tile_units(shapes: Any, address: TileAddress) -> Any:
    """Return shapes of EPSG:4326 in units of a tile."""
    scale = EXTENT / address.size_m
    west, _, _, north = address.bounds_m
    return shapely.transform(mercator(shapes), lambda p: np.column_stack(((p[:, 0] - west), (north - p[:, 1]))) * scale)


def passing(rows: FootprintBatch, filters: FootprintFilters) -> Any:
    """Return which footprints pass, by plain numpy."""
    found = np.ones(len(rows), bool)
    kept = np.floor(rows.confidence * 10_000 + 1e-6) / 10_000
    area = rows.area_m2.astype(np.float32)
    for values, low, high in (
        (kept, filters.min_confidence, filters.max_confidence),
        (area, filters.min_area_m2, filters.max_area_m2),
        (np.floor(rows.created_s), filters.created_from_s, filters.created_to_s),
    ):
        found &= values >= (-np.inf if low is None else low)
        found &= values < (np.inf if high is None else high)
    for names, chosen in ((rows.jobs, filters.jobs), (rows.scenes, filters.scenes), (rows.review, filters.review)):
        found &= True if chosen is None else np.isin(names, list(chosen))
    if filters.region is not None:
        x, y = centres_m(rows.geometries)
        found &= shapely.contains_xy(mercator(np.array([filters.region]))[0], x, y)
    return found


def tiles_of(rows: FootprintBatch, zoom: int) -> list[TileAddress]:
    """Return all tiles that hold centres."""
    x, y = centres_m(rows.geometries)
    places = np.floor(np.column_stack((x / WORLD_M + 0.5, 0.5 - y / WORLD_M)) * 2**zoom).astype(int)
    return [TileAddress(zoom, *place) for place in np.unique(places, axis=0).tolist()]


def layer_of(snapshot: Snapshot, address: TileAddress, filters: FootprintFilters = NO_FILTER) -> Layer:
    found = only_layer(vector_tile(snapshot, address, filters, NAMES))
    assert (found.name, found.extent) == ("footprints", EXTENT)
    assert set(found.keys) <= set(FIELDS)
    return found


@pytest.mark.parametrize("zoom", [14, 15, 16, 17, 18, 20, 22])
def test_polygons_are_those_of_shapely_cut_to_the_buffer(known: Known, zoom: int) -> None:
    address, rows = busiest_tile(known.rows, zoom), known.rows
    shapes = tile_units(rows.geometries, address)
    expected = shapely.clip_by_rect(shapes, -BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)

    features = {feature.id: feature for feature in layer_of(known.snapshot, address).features}

    areas = shapely.area(expected)
    surely = set(rows.ids[areas > 2 * shapely.length(expected)].tolist())
    assert surely <= set(features) <= set(rows.ids[areas > 0].tolist())
    assert len(surely) > 0
    place = {number: at for at, number in enumerate(rows.ids.tolist())}
    for number, feature in features.items():
        at = place[number]
        assert feature.kind == 3
        corners = np.vstack(feature.rings)
        assert corners.min() >= -BUFFER
        assert corners.max() <= EXTENT + BUFFER
        assert feature.shape.is_valid
        # No point is moved by more than half a unit each way.
        difference = shapely.symmetric_difference(feature.shape, expected[at]).area
        assert difference <= 0.75 * shapely.length(expected[at]) + 1
        assert feature.properties == {
            "confidence": pytest.approx(rows.confidence[at], abs=1e-9),
            "area_m2": pytest.approx(rows.area_m2[at], abs=0.0501),
            "job": rows.jobs[at],
            "review": NAMES.get(rows.review[at], "3"),
        }


@pytest.mark.parametrize("zoom", [11, 14, 16, 18])
def test_gdal_reads_the_same(known: Known, zoom: int, tmp_path: Path) -> None:
    address = busiest_tile(known.rows, zoom)
    path = tmp_path / "tile.mvt"
    path.write_bytes(vector_tile(known.snapshot, address, NO_FILTER, NAMES))

    frame = pyogrio.read_dataframe(path, layer="footprints", CLIP="NO")

    ours = layer_of(known.snapshot, address).features
    assert len(frame) == len(ours) > 0
    for feature, theirs in zip(ours, frame.itertuples(), strict=True):
        flipped = shapely.transform(theirs.geometry, lambda points: points * [1, -1] + [0, EXTENT])
        if feature.kind == 3:
            assert shapely.symmetric_difference(flipped, feature.shape).area == 0
            assert theirs.mvt_id == feature.id
        else:
            assert flipped.equals(shapely.Point(feature.rings[0][0]))
        assert all(getattr(theirs, name) == value for name, value in feature.properties.items())


@pytest.mark.parametrize("zoom", [0, 5, 9, 10, 13])
@pytest.mark.parametrize("filters", [NO_FILTER, *FILTERS], ids=["all", "confidence", "area", "job", "review", "region"])
def test_counts_of_a_zoom_add_up(known: Known, zoom: int, filters: FootprintFilters) -> None:
    rows = known.rows.take(passing(known.rows, filters))
    found = [vector_tile(known.snapshot, address, filters) for address in tiles_of(rows, zoom)]

    properties = [feature.properties for data in found for feature in only_layer(data).features]

    counts = np.array([one["count"] for one in properties])
    assert counts.sum() == len(rows) > 100
    total_area_m2 = sum(one["total_area_m2"] for one in properties)
    assert total_area_m2 == pytest.approx(rows.area_m2.sum(), abs=0.06 * len(counts), rel=1e-5)
    means = np.array([one["mean_confidence"] for one in properties])
    assert (means * counts).sum() == pytest.approx(rows.confidence.sum(), abs=2e-4 * len(rows))


@pytest.mark.parametrize("zoom", [4, 10, 13])
def test_each_cell_counts_the_centres_in_it(known: Known, zoom: int) -> None:
    address = busiest_tile(known.rows, zoom)
    x, y = centres_m(known.rows.geometries)
    cells = np.floor(np.column_stack((x / WORLD_M + 0.5, 0.5 - y / WORLD_M)) * 2 ** (zoom + 6)).astype(int)
    own = cells[(cells >> 6 == [address.x, address.y]).all(axis=1)] & 63
    expected = {tuple(cell): count for cell, count in zip(*np.unique(own, axis=0, return_counts=True), strict=True)}

    features = layer_of(known.snapshot, address).features

    found = {((x - 32) // 64, (y - 32) // 64): one.properties["count"] for one in features for x, y in one.rings[0]}
    assert all((x % 64, y % 64) == (32, 32) for one in features for x, y in one.rings[0])
    assert found == expected


@pytest.mark.parametrize("zoom", [14, 17])
@pytest.mark.parametrize("filters", FILTERS, ids=["confidence", "area", "job", "review", "region"])
def test_filters_choose_the_polygons(known: Known, zoom: int, filters: FootprintFilters) -> None:
    address = busiest_tile(known.rows.take(passing(known.rows, filters)), zoom)
    everything = {feature.id for feature in layer_of(known.snapshot, address).features}
    expected = everything & set(known.rows.ids[passing(known.rows, filters)].tolist())

    assert {feature.id for feature in layer_of(known.snapshot, address, filters).features} == expected
    assert expected


def test_many_rows_are_taken_from_kept_cells_and_few_from_rows(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in (TileAddress(0, 0, 0), busiest_tile(known.rows, 7)):
        for filters in FILTERS:
            from_rows = vector_tile(known.snapshot, address, filters)
            with monkeypatch.context() as patch:
                patch.setattr("processing.footprint_index.tile_points._FEW_ROWS", 0)
                from_cells = layer_of(known.snapshot, address, filters)
            for ours, theirs in zip(from_cells.features, only_layer(from_rows).features, strict=True):
                assert ours.rings == theirs.rings
                assert ours.properties == pytest.approx(theirs.properties, rel=1e-5, abs=0.11)


def indexed(folder: Path, *shapes: Any, **columns: Any) -> Snapshot:
    return FootprintIndex(folder).apply(batch_of(shapes, **columns))


def tile_at(lon: float, lat: float, zoom: int) -> TileAddress:
    x, y = (value[0] for value in centres_m(np.array([square_deg(lon, lat)])))
    return TileAddress(zoom, int((x / WORLD_M + 0.5) * 2**zoom), int((0.5 - y / WORLD_M) * 2**zoom))


def only_feature(snapshot: Snapshot, address: TileAddress) -> Feature:
    (feature,) = layer_of(snapshot, address).features
    return feature


def test_holes_and_parts_are_kept_in_order(folder: Path) -> None:
    hole = shapely.box(20.0004, 30.0004, 20.0006, 30.0006)
    shape = shapely.MultiPolygon(
        [
            shapely.Polygon(shapely.box(20, 30, 20.001, 30.001).exterior.reverse(), [hole.exterior]),
            shapely.Polygon(square_deg(20.002, 30.0005, 0.0006).exterior),
        ]
    )
    address = tile_at(20.001, 30.0005, 14)

    found = only_feature(indexed(folder, shape), address).shape

    assert [len(part.interiors) for part in found.geoms] == [1, 0]
    expected = tile_units(np.array([shape]), address)[0]
    assert shapely.symmetric_difference(found, expected).area < 0.75 * expected.length


@pytest.mark.parametrize("zoom", [18, 20, 22])
def test_cut_holes_go_to_the_part_that_they_are_in(folder: Path, zoom: int) -> None:
    """A U with a hole in each arm, cut along its arms by the edge of a tile."""
    size = 360 / 2**zoom
    address = TileAddress(zoom, 2 ** (zoom - 1) + 5, 2 ** (zoom - 1) - 3)
    west, _, _, north = address.bounds_deg
    grid = shapely.Polygon([(-2, 1), (8, 1), (8, 4), (-2, 4), (-2, 7), (8, 7), (8, 9), (-4, 9), (-4, 1)])
    holes = [shapely.box(3, 2, 4, 3), shapely.box(5, 7.4, 6, 8), shapely.box(7, 1.5, 7.5, 2)]
    made = grid.difference(shapely.union_all(holes))
    shape = shapely.transform(made, lambda points: points * [size / 10, -size / 10] + [west, north])

    found = only_feature(indexed(folder, shape), address).shape

    expected = shapely.clip_by_rect(tile_units(np.array([shape]), address)[0], -64, -64, 4160, 4160)
    assert sorted(len(part.interiors) for part in found.geoms) == [1, 2]
    assert found.is_valid
    assert shapely.symmetric_difference(found, expected).area < 0.75 * expected.length


@pytest.mark.parametrize("size_m", [(0.01, 0.01), (0.3, 0.01), (0.01, 25), (25, 0.02)])
@pytest.mark.parametrize("turn", [0, 45, 90, 113])
def test_a_building_smaller_than_a_unit_is_still_there(folder: Path, size_m: tuple[float, float], turn: int) -> None:
    places = np.random.default_rng(5).uniform((8, 47), (8.01, 47.01), (40, 2))
    thin = shapely.affinity.rotate(shapely.box(-size_m[0] / 2, -size_m[1] / 2, size_m[0] / 2, size_m[1] / 2), turn)
    shapes = [
        shapely.transform(thin, lambda points, at=at: points / 111_000 / [np.cos(np.radians(at[1])), 1] + at)
        for at in places
    ]
    snapshot = indexed(folder, *shapes)

    tiles = {(place.x, place.y): place for place in (tile_at(lon, lat, 14) for lon, lat in places)}
    features = [(tile, one) for tile in tiles.values() for one in layer_of(snapshot, tile).features]

    assert {feature.id for _, feature in features} == set(range(1, 41))
    for tile, feature in features:
        assert feature.shape.is_valid
        expected = tile_units(np.array([shapes[feature.id - 1]]), tile)[0]
        assert shapely.hausdorff_distance(feature.shape, expected) < 2
        assert np.vstack(feature.rings).max() <= EXTENT + BUFFER


def test_a_huge_building_fills_the_tiles_inside_it(folder: Path) -> None:
    snapshot = indexed(folder, square_deg(40, 10, 0.05), square_deg(41, 11))
    feature = only_feature(snapshot, tile_at(40, 10, 17))
    assert shapely.box(-64, -64, 4160, 4160).equals(feature.shape)
    assert feature.id == 1


def test_a_building_over_the_antimeridian_is_in_the_tiles_on_both_sides(folder: Path) -> None:
    split = shapely.MultiPolygon([shapely.box(179.999, 10, 180, 10.001), shapely.box(-180, 10, -179.998, 10.001)])
    snapshot = indexed(folder, split, shapely.box(5, 5, 5.001, 5.001))
    here = tile_at(179.99999, 10.0005, 16)
    east, west = only_feature(snapshot, here), only_feature(snapshot, TileAddress(16, 0, here.y))
    assert east.id == west.id == 1
    # To the east of the line it goes on into the buffer, and to the west likewise.
    assert np.vstack(east.rings)[:, 0].max() == EXTENT + BUFFER
    assert np.vstack(west.rings)[:, 0].min() == -BUFFER
    counts = [layer_of(snapshot, TileAddress(0, 0, 0)).features[at].properties["count"] for at in (0, 1)]
    assert counts == [1, 1]
    assert extent_deg(snapshot)[::2] == (-180, 180)


def test_neighbouring_tiles_round_alike(known: Known) -> None:
    def rings_near(tile: TileAddress, moved: int) -> dict[int | None, Any]:
        """Return the rings of what is not cut in a tile."""
        found = [one for layer in read_tile(vector_tile(known.snapshot, tile)) for one in layer.features]
        return {
            one.id: [[(x + moved, y) for x, y in ring] for ring in one.rings]
            for one in found
            if np.abs(np.vstack(one.rings) - EXTENT // 2).max() < EXTENT // 2 + BUFFER
        }

    compared = 0
    for left in tiles_of(known.rows, 15):
        ours, theirs = rings_near(left, 0), rings_near(TileAddress(15, left.x + 1, left.y), EXTENT)
        for number in ours.keys() & theirs.keys():
            assert ours[number] == theirs[number]
            compared += 1
    assert compared > 20


def test_deleted_footprints_are_gone_at_every_zoom(folder: Path) -> None:
    index = FootprintIndex(folder)
    index.apply(batch_of([square_deg(10, 10), square_deg(10.0001, 10)]))
    snapshot = index.apply(deleted=[1])
    for zoom in (3, 11, 13, 15):
        feature = only_feature(snapshot, tile_at(10, 10, zoom))
        assert feature.properties.get("count", 1) == 1
    snapshot = index.apply(deleted=[2])
    for zoom in (3, 11, 13, 15):
        assert vector_tile(snapshot, tile_at(10, 10, zoom)) == b""
    assert extent_deg(snapshot) is None


def test_ids_may_be_large_and_nothing_is_no_bytes(folder: Path) -> None:
    big = 2**62 + 12345
    snapshot = indexed(folder, square_deg(10, 10), ids=np.array([big]), jobs=np.array(["Straße 1"], object))
    feature = only_feature(snapshot, tile_at(10, 10, 16))
    assert (feature.id, feature.properties["job"]) == (big, "Straße 1")
    assert vector_tile(snapshot, TileAddress(16, 0, 0)) == vector_tile(snapshot, TileAddress(5, 0, 0)) == b""
    assert vector_tile(FootprintIndex(folder.parent / "none").snapshot(), TileAddress(0, 0, 0)) == b""


@pytest.mark.parametrize("filters", [NO_FILTER, *FILTERS], ids=["all", "confidence", "area", "job", "review", "region"])
def test_the_extent_holds_all_that_passes(known: Known, filters: FootprintFilters) -> None:
    shapes = known.rows.geometries[passing(known.rows, filters)]
    bounds = shapely.total_bounds(shapes)

    found = np.array(extent_deg(known.snapshot, filters))

    assert (found[:2] <= bounds[:2] + 1e-9).all()
    assert (found[2:] >= bounds[2:] - 1e-9).all()
    if filters.is_open:  # deleted ones are still counted
        return
    assert np.abs(found - bounds).max() < 0.001
    nobody = replace(filters, min_confidence=1.0, max_confidence=0.5)
    assert extent_deg(known.snapshot, nobody) is None
    assert GRID_UNITS == 2**32
