import numpy as np
import pytest

from processing.raster_file import SceneBudget
from processing.scene import inspect_scene
from tests.processing.made_scenes import write_scene


@pytest.fixture
def make_scene(tmp_path):
    """Write a raster and inspect it: returns (path, info)."""

    def make(bands, transform, crs, **profile):
        path = write_scene(tmp_path / "scene.tif", np.asarray(bands), transform=transform, crs=crs, **profile)
        return path, inspect_scene(path, name="scene.tif", budget=SceneBudget())

    return make
