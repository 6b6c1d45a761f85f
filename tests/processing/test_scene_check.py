import subprocess
import sys

import pytest
import rasterio

from processing import errors, limited_child, scene_check
from processing.raster_file import SceneBudget
from processing.scene_check import check_scene
from tests.processing.extraction import BUDGET, inspect
from tests.processing.made_scenes import UTM_ORIGIN, paint, write_scene


def test_the_child_finds_what_the_parent_would(tmp_path):
    path = write_scene(tmp_path / "scene.tif", paint((200, 300), [(20, 20, 80, 90)]))
    assert check_scene(path, name="scene.tif", budget=BUDGET) == inspect(path)


def test_the_childs_errors_come_back_with_code_and_parameters(tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("nothing but words")
    with pytest.raises(errors.NotARaster) as caught:
        check_scene(path, name="notes.tif", budget=BUDGET)
    assert caught.value.parameters == {"name": "notes.tif", "found": "plain text"}


def test_a_child_that_runs_out_of_memory_means_an_unreadable_file(tmp_path):
    path = tmp_path / "one_strip.tif"
    profile = {"driver": "GTiff", "width": 90_000, "height": 90_000, "count": 1, "dtype": "uint8", "sparse_ok": True}
    profile |= {"blockysize": 90_000, "compress": "deflate", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=UTM_ORIGIN, **profile):
        pass
    generous = SceneBudget(max_decoded_bytes=10**12, max_block_bytes=10**11)
    with pytest.raises(errors.RasterUnreadable):
        check_scene(path, name="one_strip.tif", budget=generous)


def test_a_child_that_dies_means_an_unreadable_file(tmp_path, monkeypatch):
    path = write_scene(tmp_path / "scene.tif", paint((200, 300), []))
    suicide = f"#!/bin/sh\nexec {sys.executable} -c 'import os, signal; os.kill(os.getpid(), signal.SIGSEGV)'\n"
    interpreter = tmp_path / "python"
    interpreter.write_text(suicide)
    interpreter.chmod(0o755)
    monkeypatch.setattr(limited_child.sys, "executable", str(interpreter))
    with pytest.raises(errors.RasterUnreadable, match="SIGSEGV"):
        check_scene(path, name="scene.tif", budget=BUDGET)


def test_a_child_that_hangs_means_an_unreadable_file(tmp_path, monkeypatch):
    path = write_scene(tmp_path / "scene.tif", paint((200, 300), []))
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\nexec sleep 60\n")
    interpreter.chmod(0o755)
    monkeypatch.setattr(limited_child.sys, "executable", str(interpreter))
    monkeypatch.setattr(scene_check, "CHILD_WALL_S", 1)
    with pytest.raises(errors.RasterUnreadable, match="longer than 1 s"):
        check_scene(path, name="scene.tif", budget=BUDGET)


def test_the_child_may_not_write_files(tmp_path):
    code = (
        "from processing.limited_child import limit_this_process as limit; "
        "from processing.scene_check import LIMITS; limit(LIMITS); "
        f"file = open({str(tmp_path / 'x')!r}, 'wb'); file.write(b'x' * 100); file.close()"
    )
    child = subprocess.run([sys.executable, "-c", code], cwd=limited_child.ROOT, capture_output=True, check=False)
    assert child.returncode != 0
    assert (tmp_path / "x").stat().st_size == 0
