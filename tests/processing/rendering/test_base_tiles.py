import itertools
from pathlib import Path

import cv2
import numpy as np
import pyogrio
import pytest
import shapely

from processing.errors import ParameterInvalid
from processing.rendering.base_tiles import THEMES, open_base_map
from processing.rendering.png import encode_png, straight_alpha
from processing.rendering.tile_grid import TILE_PX, TileAddress
from tests.processing.rendering.places import tile_at

FOLDER = Path(__file__).resolve().parents[3] / "assets" / "basemap"


@pytest.fixture(scope="module")
def base_map():
    return open_base_map(FOLDER)


@pytest.fixture(scope="module")
def countries():
    return pyogrio.read_dataframe(FOLDER / "countries.fgb")


@pytest.mark.parametrize(
    ("lon", "lat", "zoom"), [(10, 50, 4), (-95, 40, 3), (39.2, -6.1, 9), (140, -25, 5), (170, 66, 4)]
)
def test_land_and_sea_are_where_the_outlines_say(base_map, countries, lon, lat, zoom):
    address = tile_at(lon, lat, zoom)
    theme = THEMES["light"]
    tile = base_map.render(address)[..., :3].astype(int)
    is_land = np.abs(tile - theme.land).sum(axis=-1) < np.abs(tile - theme.sea).sum(axis=-1)
    land = shapely.union_all(countries.geometry.to_numpy())
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(0, TILE_PX, (2, 400))
    west, _, _, north = address.bounds_m
    step = address.size_m / TILE_PX
    lon_deg = (west + (columns + 0.5) * step) / 6378137 * 180 / np.pi
    lat_deg = np.degrees(np.arctan(np.sinh((north - (rows + 0.5) * step) / 6378137)))
    lines = shapely.union_all(shapely.boundary(countries.geometry.to_numpy()))
    near_a_line = shapely.dwithin(lines, shapely.points(lon_deg, lat_deg), 3 * 360 / 2**zoom / TILE_PX)
    expected = shapely.contains_xy(land, lon_deg, lat_deg)
    certain = ~near_a_line
    assert certain.sum() > 150
    # Lines between states are no part of the outlines compared here.
    assert (is_land[rows, columns] == expected)[certain].mean() > 0.97


@pytest.mark.parametrize("theme", THEMES)
def test_every_zoom_has_something_to_hold_on_to(base_map, theme):
    for zoom, (lon, lat) in itertools.product((0, 1, 3, 6, 10, 14, 18, 22), [(85.52, 27.63), (-30.0, 30.0)]):
        tiles = [base_map.render(address, theme) for address in block_around(tile_at(lon, lat, zoom))]
        assert all(tile.shape == (TILE_PX, TILE_PX, 4) and (tile[..., 3] == 255).all() for tile in tiles)
        assert len({tuple(colour) for tile in tiles for colour in np.unique(tile.reshape(-1, 4), axis=0)}) >= 2, zoom


def block_around(address):
    last = 2**address.z - 1
    return [TileAddress(address.z, min(address.x + i, last), min(address.y + j, last)) for i in (0, 1) for j in (0, 1)]


def test_neighbouring_tiles_fit(base_map):
    left = tile_at(10, 50, 5)
    right = TileAddress(left.z, left.x + 1, left.y)
    a, b = base_map.render(left).astype(int), base_map.render(right).astype(int)
    assert np.abs(a[:, -1] - b[:, 0]).mean() < 6


def test_no_line_runs_along_the_antimeridian_or_across_the_map(base_map, countries):
    parts = shapely.get_parts(countries[countries["name"] != "Antarctica"].geometry.to_numpy())
    bounds = shapely.bounds(parts)
    assert (bounds[:, 2] - bounds[:, 0]).max() < 170
    column = base_map.render(tile_at(-179.99, 67.5, 4))[:, 0, :3].astype(int)
    assert (np.abs(column - THEMES["light"].coast).sum(axis=1) < 30).mean() < 0.1


def test_an_unknown_theme_is_refused(base_map):
    with pytest.raises(ParameterInvalid):
        base_map.render(TileAddress(0, 0, 0), "pink")


@pytest.mark.parametrize("address", [(-1, 0, 0), (25, 0, 0), (3, 8, 0), (3, 0, -1)])
def test_an_address_outside_the_pyramid_is_refused(address):
    with pytest.raises(ParameterInvalid):
        TileAddress(*address)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_png_holds_every_pixel(share):
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (64, 48, 4), np.uint8)
    image[..., 3] = np.where(rng.random((64, 48)) < share, 255, 0)
    decoded = cv2.imdecode(np.frombuffer(encode_png(image), np.uint8), cv2.IMREAD_UNCHANGED)
    if share == 0.0:
        assert not decoded[..., 3].any()
    elif share == 1.0:
        assert np.array_equal(decoded, image[..., 2::-1])
    else:
        assert np.array_equal(decoded, image[..., [2, 1, 0, 3]])


def test_straight_alpha_undoes_the_weighting():
    image = np.array([[[100, 50, 25, 128], [0, 0, 0, 0], [255, 1, 0, 255]]], np.uint8)
    assert straight_alpha(image).tolist() == [[[199, 100, 50, 128], [0, 0, 0, 0], [255, 1, 0, 255]]]
