"""Tiles against GDAL's warper, which shares no code with the renderer."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT

from processing.normalize import to_picture
from processing.raster_file import SceneBudget
from processing.rendering.scene_pyramid import build_pyramid
from processing.rendering.scene_tiles import is_large, needs_pyramid, render_scene_tile
from processing.rendering.tile_grid import TILE_PX, TileAddress
from processing.scene import inspect_scene
from tests.processing.rendering.places import centre_of, smooth_picture, tile_at

UTM33 = Affine(0.3, 0.0, 500_000.0, 0.0, -0.3, 5_500_000.0)
DEGREES = Affine(4e-6, 0.0, 15.0, 0.0, -3e-6, 49.65)
LAYOUTS = {
    "utm": (UTM33, "EPSG:32633"),
    "rotated": (UTM33 @ Affine.rotation(27.0), "EPSG:32633"),
    "sheared": (UTM33 @ Affine.shear(12.0, 5.0), "EPSG:32633"),
    "south up": (Affine(0.3, 0.0, 500_000.0, 0.0, 0.3, 5_499_700.0), "EPSG:32633"),
    "mirrored": (Affine(-0.3, 0.0, 500_300.0, 0.0, -0.3, 5_500_000.0), "EPSG:32633"),
    "degrees": (DEGREES, "EPSG:4326"),
    "web mercator": (Affine(0.5, 0.0, 1_670_000.0, 0.0, -0.5, 6_380_000.0), "EPSG:3857"),
    "polar stereographic": (Affine(0.3, 0.0, 1_000_000.0, 0.0, -0.3, 1_500_000.0), "EPSG:3995"),
}


def warped_by_gdal(path, address):
    """(H, W, 4) uint8 of a three-band 8-bit file."""
    options = {"crs": "EPSG:3857", "resampling": Resampling.bilinear, "add_alpha": True}
    transform = from_bounds(*address.bounds_m, TILE_PX, TILE_PX)
    with (
        rasterio.open(path) as source,
        WarpedVRT(source, transform=transform, width=TILE_PX, height=TILE_PX, **options) as warped,
    ):
        return np.moveaxis(warped.read(), 0, -1)


@pytest.mark.parametrize("zoom", [17, 20])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pixels_are_where_gdal_puts_them(make_scene, layout, zoom):
    transform, crs = LAYOUTS[layout]
    path, info = make_scene(smooth_picture(700, 1000), transform, crs)
    address = tile_at(*centre_of(info), zoom)
    ours, theirs = render_scene_tile(path, info, address), warped_by_gdal(path, address)
    both = (ours[..., 3] == 255) & (theirs[..., 3] == 255)
    assert both.mean() > 0.04
    assert ((ours[..., 3] == 255) != (theirs[..., 3] == 255)).mean() < 0.012
    difference = np.abs(ours[both][:, :3].astype(int) - theirs[both][:, :3])
    assert np.percentile(difference, 99) <= 3
    assert difference.mean() < 1.0


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32601", "EPSG:32660"])
def test_a_scene_over_the_antimeridian_shows_on_both_sides(make_scene, crs):
    transform = {
        "EPSG:4326": Affine(1e-5, 0, 179.995, 0, -1e-5, -16.5),
        "EPSG:3857": Affine(1.0, 0, 20037508.34 - 500, 0, -1.0, -1_860_000),
        "EPSG:32601": Affine(1.0, 0, 179_300.0, 0, -1.0, 1_826_000.0),
        "EPSG:32660": Affine(1.0, 0, 819_700.0, 0, -1.0, 1_826_000.0),
    }[crs]
    path, info = make_scene(smooth_picture(1000, 1000), transform, crs)
    west, south, east, north = info.bounds_deg
    assert west > east
    lat = (south + north) / 2
    left = render_scene_tile(path, info, tile_at(179.9999, lat, 16))
    right = render_scene_tile(path, info, tile_at(-179.9999, lat, 16))
    assert left[:, -1, 3].mean() > 200
    assert right[:, 0, 3].mean() > 200
    seam = np.abs(left[:, -1, :3].astype(int) - right[:, 0, :3])[(left[:, -1, 3] > 0) & (right[:, 0, 3] > 0)]
    assert seam.mean() < 3  # the picture goes on where the map ends
    assert not render_scene_tile(path, info, tile_at(0.0, lat, 16)).any()


def test_nodata_and_the_outside_are_transparent(make_scene):
    bands = smooth_picture(600, 600)
    bands[:, 100:200, 300:400] = 0
    path, info = make_scene(bands, UTM33, "EPSG:32633", nodata=0)
    address = tile_at(*centre_of(info), 17)
    ours, theirs = render_scene_tile(path, info, address), warped_by_gdal(path, address)
    assert set(np.unique(ours[..., 3])) == {0, 255}
    assert ((ours[..., 3] > 0) != (theirs[..., 3] > 0)).mean() < 0.01
    assert not ours[ours[..., 3] == 0].any()


def test_a_transparent_band_counts(make_scene):
    bands = np.concatenate([smooth_picture(500, 500), np.full((1, 500, 500), 255, np.uint8)])
    bands[3, :, 250:] = 0
    colours = ("red", "green", "blue", "alpha")
    path, info = make_scene(bands, UTM33, "EPSG:32633", colorinterp=colours)
    tile = render_scene_tile(path, info, tile_at(*centre_of(info), 16))
    shown = (tile[..., 3] > 0).sum() * (tile_at(*centre_of(info), 16).size_m / TILE_PX * 0.6437) ** 2
    assert shown == pytest.approx(250 * 500 * 0.3**2, rel=0.1)


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_the_look_is_the_one_the_detector_sees(make_scene, dtype):
    bands = (smooth_picture(400, 400).astype(np.float64) * 37 + 1000).astype(dtype)
    if dtype.startswith("float"):
        bands[:, 50:80, 50:80] = np.nan
    path, info = make_scene(bands, Affine(0.5, 0, 1_670_000, 0, -0.5, 6_380_000), "EPSG:3857")
    address = tile_at(*centre_of(info), 18)
    tile = render_scene_tile(path, info, address)
    picture = to_picture(np.nan_to_num(bands), np.isfinite(bands).all(axis=0), info.stretch)
    west, _, _, north = address.bounds_m
    step = address.size_m / TILE_PX
    rows, columns = np.mgrid[0:TILE_PX, 0:TILE_PX] + 0.5
    column = np.floor((west + columns * step - 1_670_000) / 0.5).astype(int)
    row = np.floor((6_380_000 - north + rows * step) / 0.5).astype(int)
    inside = (row >= 2) & (row < 398) & (column >= 2) & (column < 398) & (tile[..., 3] > 0)
    expected = picture[row[inside], column[inside]].astype(int)
    known = expected.any(axis=1)
    assert known.sum() > 5000
    assert np.percentile(np.abs(tile[inside][known][:, :3] - expected[known]), 95) <= 8


def test_one_band_is_grey_and_a_palette_is_its_colours(make_scene):
    path, info = make_scene(smooth_picture(300, 300)[:1], UTM33, "EPSG:32633")
    tile = render_scene_tile(path, info, tile_at(*centre_of(info), 18))
    seen = tile[tile[..., 3] > 0]
    assert len(seen) > 1000
    assert (seen[:, 0] == seen[:, 1]).all()
    assert (seen[:, 1] == seen[:, 2]).all()

    indices = np.zeros((1, 300, 300), np.uint8)
    indices[:, :, 150:] = 1
    colours = {0: (200, 30, 30, 255), 1: (20, 60, 220, 255)}
    path, _ = make_scene(indices + 1, UTM33, "EPSG:32633", photometric="palette")
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {index + 1: colour for index, colour in colours.items()})
    info = inspect_scene(path, name="scene.tif", budget=SceneBudget())
    tile = render_scene_tile(path, info, tile_at(*centre_of(info), 18))
    seen = {tuple(colour) for colour in tile[tile[..., 3] > 0][:, :3].tolist()}
    assert {(200, 30, 30), (20, 60, 220)} <= seen


def test_neighbouring_tiles_fit(make_scene):
    path, info = make_scene(smooth_picture(900, 900), UTM33 @ Affine.rotation(10), "EPSG:32633")
    left = tile_at(*centre_of(info), 18)
    right = TileAddress(left.z, left.x + 1, left.y)
    a, b = render_scene_tile(path, info, left), render_scene_tile(path, info, right)
    both = (a[:, -1, 3] > 0) & (b[:, 0, 3] > 0)
    assert both.any()
    assert np.abs(a[both, -1, :3].astype(int) - b[both, 0, :3]).max() <= 6


def test_a_large_scene_is_shown_from_its_pyramid(make_scene, tmp_path):
    grey = np.repeat(smooth_picture(3000, 4200)[2:], 3, axis=0)
    path, info = make_scene(grey, UTM33 @ Affine.rotation(20), "EPSG:32633")
    far, near = tile_at(*centre_of(info), 15), tile_at(*centre_of(info), 19)
    assert is_large(info)
    assert needs_pyramid(info, far)
    assert not needs_pyramid(info, near)
    pyramid = tmp_path / "pyramid.tif"
    build_pyramid(path, info, pyramid)
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix == ".part"] == []
    for zoom in (14, 15, 16):
        address = tile_at(*centre_of(info), zoom)
        direct = render_scene_tile(path, info, address)
        quick = render_scene_tile(path, info, address, pyramid=pyramid)
        assert ((direct[..., 3] > 0) != (quick[..., 3] > 0)).mean() < 0.01
        both = (direct[..., 3] > 0) & (quick[..., 3] > 0)
        assert both.any()
        assert np.abs(direct[both][:, :3].astype(int) - quick[both][:, :3]).mean() < 4
    exact = render_scene_tile(path, info, near, pyramid=pyramid)
    assert np.array_equal(exact, render_scene_tile(path, info, near))


def test_every_zoom_answers(make_scene):
    path, info = make_scene(smooth_picture(300, 300), UTM33, "EPSG:32633")
    for zoom in range(25):
        tile = render_scene_tile(path, info, tile_at(*centre_of(info), zoom))
        assert tile.shape == (TILE_PX, TILE_PX, 4)
        assert tile.any() or zoom < 12
