import json

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from processing import errors
from processing.raster_file import SceneBudget, describe_content
from processing.scene import SceneInfo, inspect_scene
from tests.processing.extraction import inspect
from tests.processing.made_scenes import UTM_ORIGIN, paint, write_scene

PICTURE = paint((300, 400), [(50, 60, 120, 140)])


@pytest.fixture
def scene(tmp_path):
    return write_scene(tmp_path / "scene.tif", PICTURE)


def test_describes_an_honest_scene(scene):
    info = inspect(scene)
    assert (info.width_px, info.height_px, info.band_count, info.dtype) == (400, 300, 3, "uint8")
    assert info.rgb_bands == (1, 2, 3)
    assert info.gsd_m == pytest.approx(0.3, rel=1e-3)
    assert info.valid_share == 1.0
    assert info.outline.contains(shapely.box(*info.bounds_deg).centroid)
    assert info.size_bytes == scene.stat().st_size


def test_survives_json_text(scene):
    info = inspect(scene)
    assert SceneInfo.from_json(json.loads(json.dumps(info.to_json()))) == info


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello, this is no picture\n", "plain text"),
        (b"", "empty"),
        (b'<VRTDataset rasterXSize="1" rasterYSize="1"></VRTDataset>', "VRT"),
        (b'<?xml version="1.0"?><GDAL_WMS></GDAL_WMS>', "XML"),
        (b"<html><body></body></html>", "HTML"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"PK\x03\x04aaaa", "ZIP"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (bytes(range(256)), "unknown"),
    ],
)
def test_refuses_by_content_what_is_named_tif(tmp_path, content, words):
    path = tmp_path / "evil.tif"
    path.write_bytes(content)
    with pytest.raises(errors.NotARaster, match=words):
        inspect(path, allow_vrt=True)


@given(st.binary(max_size=600))
def test_every_content_can_be_described(head):
    assert describe_content(head)


def test_a_vrt_opens_only_for_the_local_user_and_by_its_suffix(tmp_path, scene):
    vrt = tmp_path / "mosaic.vrt"
    vrt.write_text(vrt_of(scene))
    assert inspect(vrt, allow_vrt=True).width_px == 400
    with pytest.raises(errors.NotARaster):
        inspect(vrt)
    vrt.rename(tmp_path / "mosaic.tif")
    with pytest.raises(errors.NotARaster):
        inspect(tmp_path / "mosaic.tif", allow_vrt=True)


def vrt_of(scene):
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><SimpleSource><SourceFilename>{scene}</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band in (1, 2, 3)
    )
    transform = ", ".join(str(value) for value in UTM_ORIGIN.to_gdal())
    return (
        f'<VRTDataset rasterXSize="400" rasterYSize="300"><SRS>EPSG:32633</SRS>'
        f"<GeoTransform>{transform}</GeoTransform>{bands}</VRTDataset>"
    )


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_refuses_a_scene_whose_upload_was_cut_off(tmp_path, share):
    noise = np.random.default_rng(1).integers(0, 255, (3, 600, 600), np.uint8)
    path = write_scene(tmp_path / "cut.tif", noise)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(errors.RasterUnreadable):
        inspect(path)


def test_refuses_damaged_pixels(tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (3, 300, 300), np.uint8)
    path = write_scene(tmp_path / "damaged.tif", noise)
    content = bytearray(path.read_bytes())
    content[-2000:-1000] = b"\xff" * 1000
    path.write_bytes(content)
    with pytest.raises(errors.RasterUnreadable) as caught:
        inspect(path)
    assert str(tmp_path) not in str(caught.value)


def test_refuses_a_small_file_that_decodes_to_640_gb(tmp_path):
    path = tmp_path / "sparse.tif"
    profile = {"driver": "GTiff", "width": 200_000, "height": 200_000, "count": 4, "dtype": "float32", "tiled": True}
    profile |= {"blockxsize": 4096, "blockysize": 4096, "sparse_ok": True, "crs": "EPSG:32633", "BIGTIFF": "YES"}
    with rasterio.open(path, "w", transform=UTM_ORIGIN, **profile):
        pass
    assert path.stat().st_size < 2_000_000
    with pytest.raises(errors.RasterTooLarge) as caught:
        inspect(path)
    assert caught.value.parameters["decoded_gb"] == pytest.approx(640)


def test_refuses_a_single_tile_that_is_too_large_to_decode(tmp_path):
    path = tmp_path / "tile.tif"
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint8", "tiled": True}
    profile |= {"blockxsize": 32768, "blockysize": 32768, "sparse_ok": True, "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=UTM_ORIGIN, **profile):
        pass
    with pytest.raises(errors.RasterTooLarge):
        inspect(path)


def test_an_honest_blank_scene_is_not_taken_for_a_bomb(tmp_path):
    path = write_scene(tmp_path / "blank.tif", np.full((3, 6000, 6000), 9, np.uint8), zlevel=9)
    assert path.stat().st_size * 100 < 3 * 6000 * 6000
    assert inspect(path).width_px == 6000


def test_refuses_more_bands_than_the_budget(scene):
    with pytest.raises(errors.BandsNotAllowed):
        inspect_scene(scene, name="scene", budget=SceneBudget(max_bands=2))


def test_refuses_complex_pixels(tmp_path):
    path = write_scene(tmp_path / "radar.tif", np.zeros((1, 64, 64), np.complex64))
    with pytest.raises(errors.DtypeNotAllowed):
        inspect(path)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_refuses_a_scene_without_crs_or_geotransform(tmp_path):
    with pytest.raises(errors.CrsMissing):
        inspect(write_scene(tmp_path / "no_crs.tif", PICTURE, crs=None))
    with pytest.raises(errors.GeotransformInvalid):
        inspect(write_scene(tmp_path / "no_transform.tif", PICTURE, transform=Affine.identity()))


def test_refuses_a_crs_that_is_not_on_the_earth(tmp_path):
    local = 'LOCAL_CS["site",UNIT["metre",1]]'
    with pytest.raises((errors.CrsUnusable, errors.CrsMissing)):
        inspect(write_scene(tmp_path / "local.tif", PICTURE, crs=local))


def test_refuses_coordinates_outside_the_crs(tmp_path):
    transform = Affine(1e-5, 0, 30.0, 0, -1e-5, 140.0)
    with pytest.raises(errors.GeotransformInvalid):
        inspect(write_scene(tmp_path / "swapped.tif", PICTURE, transform=transform, crs="EPSG:4326"))


def test_refuses_a_missing_file(tmp_path):
    with pytest.raises(errors.SceneFileMissing):
        inspect(tmp_path / "nothing.tif")


def test_refuses_a_scene_that_is_all_nodata_but_finds_one_valid_pixel(tmp_path):
    bands = np.zeros((3, 2500, 2500), np.uint8)
    with pytest.raises(errors.SceneEmpty):
        inspect(write_scene(tmp_path / "empty.tif", bands, nodata=0))
    bands[:, 333, 444] = 200
    assert inspect(write_scene(tmp_path / "speck.tif", bands, nodata=0)).width_px == 2500
    with pytest.raises(errors.SceneEmpty):
        inspect(write_scene(tmp_path / "nan.tif", np.full((3, 90, 90), np.nan, np.float32), nodata=np.nan))


@pytest.mark.parametrize(
    ("crs", "transform", "expected_m"),
    [
        ("EPSG:3857", Affine(0.6, 0, 2_000_000, 0, -0.6, 8_399_737.9), (0.3, 0.3)),
        ("EPSG:4326", Affine(1e-5, 0, 10.0, 0, -1e-5, 60.0), (0.5580, 1.1141)),
        ("EPSG:32633", Affine(0.3, 0, 500_000, 0, 0.3, 5_500_000), (0.3, 0.3)),
        (
            "EPSG:32633",
            Affine.translation(500_000, 5_500_000) @ Affine.rotation(30) @ Affine.scale(0.25, -0.25),
            (0.25,) * 2,
        ),
        ("EPSG:2263", Affine(1, 0, 987_654, 0, -1, 200_000), (0.3048, 0.3048)),
    ],
    ids=["mercator at 60 degrees", "degrees at 60", "south-up", "rotated", "feet"],
)
def test_measures_the_true_size_of_pixels_on_the_ground(tmp_path, crs, transform, expected_m):
    info = inspect(write_scene(tmp_path / "scene.tif", PICTURE, transform=transform, crs=crs))
    assert (info.gsd_x_m, info.gsd_y_m) == pytest.approx(expected_m, rel=6e-3)


@pytest.mark.parametrize("west", [179.9995, -180.0005])
def test_a_scene_over_the_antimeridian_has_west_greater_than_east(tmp_path, west):
    path = write_scene(
        tmp_path / "fiji.tif", PICTURE, transform=Affine(3e-6, 0, west, 0, -3e-6, -17.0), crs="EPSG:4326"
    )
    info = inspect(path)
    west_deg, south_deg, east_deg, north_deg = info.bounds_deg
    assert west_deg == pytest.approx(179.9995)
    assert east_deg == pytest.approx(-179.9993)
    assert south_deg < north_deg
    assert info.outline.geom_type == "MultiPolygon"
    assert info.outline.bounds[0] >= -180
    assert info.outline.bounds[2] <= 180
    assert info.gsd_m == pytest.approx(0.326, rel=0.02)


@settings(max_examples=25, deadline=None)
@given(lon=st.floats(-179.9, 179.9), lat=st.floats(-80, 80), angle=st.floats(0, 360))
def test_ground_size_does_not_depend_on_where_and_how_a_scene_lies(tmp_path_factory, lon, lat, angle):
    zone = int((lon + 180) // 6) + 1
    crs = f"EPSG:{32600 + zone if lat >= 0 else 32700 + zone}"
    transform = Affine.translation(500_000, 2_000_000 if lat >= 0 else 8_000_000)
    transform = transform @ Affine.rotation(angle) @ Affine.scale(0.5, -0.5)
    path = write_scene(tmp_path_factory.mktemp("s") / "s.tif", PICTURE[:64, :64], transform=transform, crs=crs)
    assert inspect(path).gsd_m == pytest.approx(0.5 / 0.9996, rel=1e-4)


def test_reads_nothing_beside_the_scene(tmp_path, scene):
    (tmp_path / "scene.tif.aux.xml").write_text(
        "<PAMDataset><SRS>EPSG:32601</SRS><GeoTransform>0, 9, 0, 0, 0, -9</GeoTransform></PAMDataset>"
    )
    (tmp_path / "scene.tfw").write_text("9\n0\n0\n-9\n0\n0\n")
    assert inspect(scene).gsd_m == pytest.approx(0.3, rel=1e-3)
