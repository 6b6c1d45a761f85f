import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from processing.bands import read_layout, read_pixels
from tests.processing.extraction import footprints_of, inspect
from tests.processing.made_scenes import GROUND, ROOF, UTM_ORIGIN, paint, write_scene

ROOFS = [(40, 40, 100, 120), (180, 60, 260, 110), (300, 200, 360, 280)]
PICTURE = paint((320, 420), ROOFS)


def sixteen_bit(picture):
    return picture.astype(np.uint16) * 11 + 300


SCENES = {
    "one band": (PICTURE[None], {}),
    "two bands, second unnamed": (np.stack([PICTURE, 255 - PICTURE]), {}),
    "grey and alpha": (np.stack([PICTURE, np.full_like(PICTURE, 255)]), {"colorinterp": ("gray", "alpha")}),
    "three bands": (np.stack([PICTURE] * 3), {}),
    "four with alpha": (
        np.stack([PICTURE] * 3 + [np.full_like(PICTURE, 255)]),
        {"colorinterp": ("red", "green", "blue", "alpha")},
    ),
    "four with near infrared": (
        np.stack([PICTURE] * 3 + [255 - PICTURE]),
        {"colorinterp": ("red", "green", "blue", "undefined")},
    ),
    "five bands, colours last": (
        np.stack([255 - PICTURE, 255 - PICTURE, PICTURE, PICTURE, PICTURE]),
        {"colorinterp": ("undefined", "undefined", "blue", "green", "red"), "photometric": "minisblack"},
    ),
    "16 bit": (sixteen_bit(np.stack([PICTURE] * 3)), {}),
    "signed 16 bit": (np.stack([PICTURE] * 3).astype(np.int16) * 3 - 300, {}),
    "float": (np.stack([PICTURE] * 3).astype(np.float32) / 255, {}),
    "double": (np.stack([PICTURE] * 3).astype(np.float64) * 1e6, {}),
}


@pytest.mark.parametrize("case", SCENES)
def test_every_band_layout_gives_the_same_buildings(tmp_path, case):
    bands, options = SCENES[case]
    path = write_scene(tmp_path / "scene.tif", bands, **options)
    assert len(footprints_of(path)) == len(ROOFS)


def test_a_palette_is_expanded(tmp_path):
    path = tmp_path / "palette.tif"
    indices = np.where(PICTURE == ROOF, 3, 7).astype(np.uint8)
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "height": 320, "width": 420, "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=UTM_ORIGIN, **profile) as dataset:
        dataset.write(indices[None])
        dataset.write_colormap(1, {3: (240, 230, 220, 255), 7: (30, 60, 20, 255)})
    with rasterio.open(path) as dataset:
        values, valid = read_pixels(dataset, read_layout(dataset), Window(0, 0, 60, 60))
    assert values[:, 50, 50].tolist() == [240, 230, 220]
    assert values[:, 0, 0].tolist() == [30, 60, 20]
    assert valid.all()
    assert len(footprints_of(path)) == len(ROOFS)


def hole():
    mask = np.zeros(PICTURE.shape, bool)
    mask[30:130, 30:110] = True
    return mask


def valid_of(path):
    with rasterio.open(path) as dataset:
        return read_pixels(dataset, read_layout(dataset), Window(0, 0, 420, 320))


def test_nodata_alpha_internal_mask_and_nan_all_mean_no_imagery(tmp_path):
    gone = hole()
    nodata = np.stack([PICTURE] * 3)
    nodata[:, gone] = 0
    floats = nodata.astype(np.float32)
    floats[1, gone] = np.nan
    alpha = np.where(gone, 0, 255).astype(np.uint8)
    paths = [
        write_scene(tmp_path / "nodata.tif", nodata, nodata=0),
        write_scene(tmp_path / "nan.tif", floats),
        write_scene(
            tmp_path / "alpha.tif",
            np.stack([PICTURE] * 3 + [alpha]),
            colorinterp=("red", "green", "blue", "alpha"),
        ),
    ]
    masked = write_scene(tmp_path / "masked.tif", np.stack([PICTURE] * 3))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(masked, "r+") as dataset:
        dataset.write_mask(~gone)
    for path in [*paths, masked]:
        values, valid = valid_of(path)
        assert np.array_equal(valid, ~gone), path.name
        assert np.isfinite(values).all()
        assert len(footprints_of(path)) == len(ROOFS) - 1, path.name


def test_black_in_one_band_is_a_colour_and_not_nodata(tmp_path):
    bands = np.stack([np.zeros_like(PICTURE), PICTURE, PICTURE])
    _, valid = valid_of(write_scene(tmp_path / "blue.tif", bands, nodata=0))
    assert valid.all()


def test_the_first_three_bands_are_taken_when_nothing_is_declared(tmp_path):
    bands = np.stack([PICTURE] * 3 + [np.full_like(PICTURE, GROUND)] * 2)
    path = write_scene(tmp_path / "five.tif", bands, photometric="minisblack")
    assert inspect(path).rgb_bands == (1, 2, 3)


def test_bands_are_found_by_their_names(tmp_path):
    path = write_scene(tmp_path / "named.tif", np.stack([PICTURE] * 5), photometric="minisblack")
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("Coastal", "Blue", "Green", "Red", "NIR")
    assert inspect(path).rgb_bands == (4, 3, 2)
