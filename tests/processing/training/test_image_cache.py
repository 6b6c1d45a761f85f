import numpy as np

from processing.training.image_cache import build_cache
from processing.training.pictures import pool, read_rgb
from processing.training.recipe import Recipe, SourceSpec
from tests.processing.training.labelled_folder import write_coco

RECIPE = Recipe(name="test", sources=(SourceSpec("roofs", 1.0, 0.2),), target_gsd_m=(0.4, 0.9))


def test_levels_are_pooled_pixels_and_reach_the_coarsest_crop(tmp_path):
    folder = write_coco(tmp_path / "data" / "roofs", {"a.png": [(10, 10, 30, 20)]})
    cache = build_cache(RECIPE, tmp_path / "data", tmp_path / "cache")
    (image,) = cache.sources["roofs"]
    assert [level.factor for level in image.levels] == [1, 2]
    picture = read_rgb(folder / "images" / "a.png")
    np.testing.assert_array_equal(cache.pixels(image.levels[0]), picture)
    np.testing.assert_array_equal(cache.pixels(image.levels[1]), pool(picture, 2))
    assert cache.manifest["roofs"]["outlines"] == 1


def test_a_cache_is_kept_for_the_same_data_and_rebuilt_for_other(tmp_path):
    write_coco(tmp_path / "data" / "roofs", {"a.png": [(10, 10, 30, 20)]})
    first = build_cache(RECIPE, tmp_path / "data", tmp_path / "cache")
    written = (tmp_path / "cache" / "pixels.u8").stat().st_mtime_ns
    build_cache(RECIPE, tmp_path / "data", tmp_path / "cache")
    assert (tmp_path / "cache" / "pixels.u8").stat().st_mtime_ns == written
    other = tmp_path / "other"
    write_coco(other / "roofs", {"a.png": [(10, 10, 30, 25)]})
    assert build_cache(RECIPE, other, tmp_path / "cache").manifest != first.manifest
