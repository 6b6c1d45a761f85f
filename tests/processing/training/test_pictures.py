import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from processing.errors import LabelsInvalid
from processing.training.pictures import gsd_of_geotiff, pool, read_rgb


def write_tif(path, values, **profile):
    bands, height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=bands, dtype=values.dtype, **profile
    ) as file:
        file.write(values)
    return path


def test_a_georeferenced_picture_tells_its_ground_sampling_distance(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (3, 40, 60), np.uint8)
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 5_500_000, 0.3, 0.3)}
    path = write_tif(tmp_path / "a.tif", values, **place)
    assert gsd_of_geotiff(path) == pytest.approx(0.3, rel=2e-3)
    np.testing.assert_array_equal(read_rgb(path), values.transpose(1, 2, 0))


def test_sixteen_bits_are_scaled_as_the_pipeline_scales_them(tmp_path):
    values = np.linspace(1000, 9000, 3 * 40 * 60).reshape(3, 40, 60).astype(np.uint16)
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 5_500_000, 0.3, 0.3)}
    picture = read_rgb(write_tif(tmp_path / "a.tif", values, **place))
    assert (picture.min(), picture.max()) == (0, 255)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_tiff_without_place_is_a_plain_picture(tmp_path):
    values = np.full((3, 20, 20), 80, np.uint8)
    path = write_tif(tmp_path / "a.tif", values)
    assert gsd_of_geotiff(path) is None
    assert read_rgb(path).shape == (20, 20, 3)


def test_pooling_averages_and_drops_the_remainder():
    picture = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
    pooled = pool(picture, 2)
    assert pooled.shape == (2, 2, 3)
    assert pooled[0, 0, 0] == pytest.approx(picture[:2, :2, 0].mean(), abs=0.5)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    with pytest.raises(LabelsInvalid, match=r"a\.png"):
        read_rgb(path)
