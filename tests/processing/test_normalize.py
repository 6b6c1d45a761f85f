import numpy as np

from processing.normalize import UNTOUCHED, measure_stretch, to_picture


def samples(low, high, dtype, channels=3):
    return np.tile(np.linspace(low, high, 1001).astype(dtype), (channels, 1))


def test_natural_8_bit_imagery_is_left_untouched():
    assert measure_stretch(samples(20, 200, np.uint8), "uint8") == UNTOUCHED
    picture = np.random.default_rng(0).integers(0, 256, (3, 9, 9), np.uint8)
    assert np.array_equal(to_picture(picture, np.ones((9, 9), bool), UNTOUCHED), np.moveaxis(picture, 0, -1))


def test_dark_or_flat_8_bit_imagery_is_stretched_with_its_colours_kept():
    for low, high in ((5, 60), (120, 150)):
        stretch = measure_stretch(samples(low, high, np.uint8), "uint8")
        assert len(set(stretch)) == 1
        assert low <= stretch[0][0] < stretch[0][1] <= high


def test_a_constant_scene_does_not_divide_by_zero():
    for dtype in (np.uint8, np.uint16, np.float32):
        stretch = measure_stretch(samples(7, 7, dtype), np.dtype(dtype).name)
        picture = to_picture(np.full((3, 2, 2), 7, dtype), np.ones((2, 2), bool), stretch)
        assert picture.shape == (2, 2, 3)


def test_16_bit_fills_the_range_band_by_band_and_ignores_outliers():
    values = np.stack([np.linspace(300, 3000, 10_000), np.linspace(100, 900, 10_000), np.linspace(0, 10, 10_000)])
    values = values.astype(np.uint16)
    values[:, :20] = 65_535
    stretch = measure_stretch(values, "uint16")
    picture = to_picture(values[:, None], np.ones((1, 10_000), bool), stretch)
    for channel in range(3):
        assert np.percentile(picture[..., channel], 3) < 12
        assert np.percentile(picture[..., channel], 97) > 240


def test_invalid_pixels_are_black():
    valid = np.array([[True, False]])
    picture = to_picture(np.full((1, 1, 2), 200, np.uint8), valid, UNTOUCHED)
    assert picture[0, 0].tolist() == [200, 200, 200]
    assert picture[0, 1].tolist() == [0, 0, 0]
