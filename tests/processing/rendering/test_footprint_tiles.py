import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer

from processing.rendering.footprint_tiles import (
    COLOURS,
    OUTLINES_FROM_ZOOM,
    FootprintPoints,
    render_density,
    render_footprints,
)
from processing.rendering.tile_grid import TILE_PX, TileAddress
from tests.processing.rendering.places import tile_at

TILE = tile_at(15.0, 49.6, 19)


def in_tile(pixels, address=TILE):
    """Polygons given in tile pixels, moved to EPSG:4326 by pyproj."""
    west, _, _, north = address.bounds_m
    step = address.size_m / TILE_PX
    to_degrees = Transformer.from_crs(3857, 4326, always_xy=True)

    def move(points):
        return np.column_stack(to_degrees.transform(west + points[:, 0] * step, north - points[:, 1] * step))

    return shapely.transform(np.atleast_1d(np.array(pixels, object)), move)


def exact_coverage(shape):
    """(T, T) share of each pixel covered by a shape in pixels, by intersection areas."""
    columns, rows = np.meshgrid(np.arange(TILE_PX), np.arange(TILE_PX))
    cells = shapely.box(columns, rows, columns + 1, rows + 1)
    return shapely.area(shapely.intersection(cells, shape))


@pytest.mark.parametrize("angle", [0.0, 17.0, 45.0])
def test_the_drawn_area_is_the_polygon_and_its_line(angle):
    shape = shapely.affinity.rotate(shapely.box(60.3, 80.7, 150.9, 170.2), angle)
    tile = render_footprints(in_tile(shape), np.array([0.95]), TILE)
    drawn = tile[..., 3] > 24  # a fainter one is an edge that just touches the pixel
    line_and_rim_px = 1.75 / 2 + 1.0
    expected = exact_coverage(shape.buffer(line_and_rim_px, join_style="mitre"))
    assert (drawn & (expected == 0)).sum() <= 12
    assert (~drawn & (expected > 0.6)).sum() == 0
    inner = exact_coverage(shape.buffer(-3)) > 0.999
    assert np.ptp(tile[inner], axis=0).max() == 0  # one even, translucent fill
    assert 50 < tile[inner][0, 3] < 120
    assert np.abs(tile[inner][0, :3].astype(int) - COLOURS[-1]).max() <= 3
    on_line = exact_coverage(shape.boundary.buffer(0.4)) > 0.75
    assert tile[on_line][:, 3].min() > 230


def test_holes_stay_open_and_overlaps_do_not_cancel_out():
    ring = shapely.box(40, 40, 200, 200) - shapely.box(90, 90, 150, 150)
    tile = render_footprints(in_tile(ring), np.array([0.95]), TILE)
    assert not tile[100:140, 100:140].any()
    assert tile[60:80, 60:80, 3].min() > 0
    two = [shapely.box(40, 40, 140, 140), shapely.box(100, 100, 220, 220)]
    tile = render_footprints(in_tile(two), np.array([0.95, 0.95]), TILE)
    assert tile[110:130, 110:130, 3].min() > 0


def test_colour_tells_confidence_and_multipolygons_are_drawn_whole():
    shapes = [
        shapely.box(10, 10, 100, 100),
        shapely.MultiPolygon([shapely.box(150, 10, 200, 60), shapely.box(150, 150, 240, 240)]),
    ]
    tile = render_footprints(in_tile(shapes), np.array([0.55, 0.99]), TILE)
    assert np.abs(tile[50, 50, :3] - COLOURS[0]).max() <= 3
    assert np.abs(tile[30, 170, :3] - COLOURS[-1]).max() <= 3
    assert np.abs(tile[200, 200, :3] - COLOURS[-1]).max() <= 3


def test_a_polygon_over_the_edge_continues_in_the_next_tile():
    shape = shapely.affinity.rotate(shapely.box(200.4, 80, 300.1, 150), 20)
    right = TileAddress(TILE.z, TILE.x + 1, TILE.y)
    footprint = in_tile(shape)
    a = render_footprints(footprint, np.array([0.7]), TILE)
    b = render_footprints(footprint, np.array([0.7]), right)
    both = np.concatenate([a, b], axis=1)
    expected = exact_coverage(shapely.affinity.translate(shape, -128).buffer(-3)) > 0.999
    assert np.ptp(both[:, 128:384][expected], axis=0).max() == 0


def test_nothing_gives_an_empty_tile_and_every_zoom_draws_something():
    assert not render_footprints(np.array([], object), np.array([]), TILE).any()
    building = in_tile(shapely.box(100, 100, 140, 150))
    for zoom in range(OUTLINES_FROM_ZOOM, 25):
        centre = shapely.centroid(building[0])
        address = tile_at(centre.x, centre.y, zoom)
        tile = render_footprints(building, np.array([0.9]), address)
        assert tile.any(), zoom


def points_at(lon, lat, area=100.0, confidence=0.9):
    lon, lat = np.atleast_1d(lon).astype(float), np.atleast_1d(lat).astype(float)
    return FootprintPoints(lon, lat, np.full(len(lon), area), np.full(len(lon), confidence))


@pytest.mark.parametrize("zoom", range(OUTLINES_FROM_ZOOM))
def test_a_single_building_is_seen_from_afar_where_it_is(zoom):
    address = tile_at(39.24, -6.04, zoom)
    tile = render_density(points_at(39.24, -6.04), address)
    rows, columns = np.nonzero(tile[..., 3])
    assert len(rows) == 4
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(39.24, -6.04)
    step = address.size_m / TILE_PX
    assert columns.min() <= (x - address.bounds_m[0]) / step <= columns.max() + 1
    assert rows.min() <= (address.bounds_m[3] - y) / step <= rows.max() + 1
    assert tile[rows[0], columns[0], 3] >= 127


def test_opacity_tells_the_built_up_share():
    address = tile_at(15.0, 49.6, 12)
    west, south, east, north = address.bounds_deg
    lon, lat = west + (east - west) * 0.503, south + (north - south) * 0.503
    side_m = Geod(ellps="WGS84").inv(west, lat, east, lat)[2] / (TILE_PX / 2)
    alpha = [
        render_density(points_at(lon, lat, share * side_m**2), address)[..., 3].max() / 255
        for share in (0.01, 0.1, 0.3)
    ]
    assert alpha == pytest.approx([0.5 + 0.7 * np.sqrt(share) for share in (0.01, 0.1, 0.3)], abs=0.02)


def test_counts_agree_with_datashader():
    datashader = pytest.importorskip("datashader")
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(3)
    address = tile_at(15.0, 49.6, 11)
    west, south, east, north = address.bounds_deg
    lon, lat = rng.normal((west + east) / 2, (east - west) / 6, 5000), rng.uniform(south, north, 5000)
    tile = render_density(points_at(lon, lat), address)
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(lon, lat)
    x_range, y_range = (address.bounds_m[0], address.bounds_m[2]), (address.bounds_m[1], address.bounds_m[3])
    canvas = datashader.Canvas(TILE_PX // 2, TILE_PX // 2, x_range, y_range)
    counts = canvas.points(pandas.DataFrame({"x": x, "y": y}), "x", "y").to_numpy()[::-1]
    assert ((tile[::2, ::2, 3] > 0) != (counts > 0)).sum() <= 2  # a point on the edge of two cells
