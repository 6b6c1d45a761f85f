import threading

import cv2
import numpy as np
import pytest

from processing.rendering.scene_tiles import needs_pyramid
from processing.rendering.tile_grid import TileAddress
from tests.processing.made_scenes import write_scene
from tests.processing.rendering.places import tile_at
from webapp.errors import NotFound, TilesNotReady
from webapp.services import pyramids, scenes, tiles, uploads


def pixels(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.fixture
def large_scene(resources, alice, tmp_path):
    picture = np.random.default_rng(1).integers(40, 220, (3, 2200, 2300)).astype(np.uint8)
    path = write_scene(tmp_path / "large.tif", picture)
    with uploads.begin_upload(resources, alice, path.name) as upload:
        upload.write(path.read_bytes())
        received = upload.finish()
    return scenes.register_scene(resources, alice, received)


def far_tile(scene):
    west, south, east, north = scene.bounds_deg
    return tile_at((west + east) / 2, (south + north) / 2, 14)


def test_far_out_tiles_of_a_large_scene_make_its_pyramid_once(resources, alice, large_scene, monkeypatch):
    made = []
    build = pyramids.build_pyramid
    monkeypatch.setattr(pyramids, "build_pyramid", lambda *given: (made.append(given), build(*given)))
    address, found = far_tile(large_scene), []
    assert needs_pyramid(scenes.get_scene_info(resources, alice, large_scene.id), address)

    def draw():
        found.append(tiles.scene_tile(resources, alice, large_scene.id, address))

    threads = [threading.Thread(target=draw) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(found)) == 1
    assert pixels(found[0])[..., 3].any()
    assert pyramids.pyramid_path(resources, large_scene.id).is_file()
    pyramids.forget_pyramid(resources, large_scene.id)
    assert not pyramids.pyramid_path(resources, large_scene.id).exists()


def test_a_pyramid_that_takes_long_is_said_so_and_comes_later(resources, alice, large_scene, monkeypatch):
    monkeypatch.setattr(pyramids, "WAIT_S", 0.05)
    with pyramids.MAKERS, pytest.raises(TilesNotReady):
        tiles.scene_tile(resources, alice, large_scene.id, far_tile(large_scene))
    monkeypatch.setattr(pyramids, "WAIT_S", 60.0)
    assert pixels(tiles.scene_tile(resources, alice, large_scene.id, far_tile(large_scene)))[..., 3].any()


def test_a_scene_is_prepared_in_the_background(resources, alice, large_scene):
    tiles.prepare_scene(resources, alice, large_scene.id)
    info = scenes.get_scene_info(resources, alice, large_scene.id)
    path = scenes.scene_file(resources, alice, large_scene.id)
    source = pyramids.PyramidSource(large_scene.id, path, info)
    assert pyramids.start_pyramid(resources, source).result(60).is_file()


def test_a_pyramid_that_cannot_be_made_is_tried_again(resources, alice, large_scene, monkeypatch):
    def fail(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyramids, "build_pyramid", fail)
    with pytest.raises(Exception, match="no room"):
        tiles.scene_tile(resources, alice, large_scene.id, far_tile(large_scene))
    monkeypatch.undo()
    assert pixels(tiles.scene_tile(resources, alice, large_scene.id, far_tile(large_scene)))[..., 3].any()


def test_the_least_recently_used_pyramids_go_first(tmp_path, monkeypatch):
    import os

    monkeypatch.setattr(pyramids, "CACHE_BYTES", 250)
    for age, name in enumerate(("new.tif", "middle.tif", "old.tif", "older.tif")):
        (tmp_path / name).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    pyramids._shrink(tmp_path, keep=tmp_path / "older.tif")
    assert {path.name for path in tmp_path.iterdir()} == {"new.tif", "older.tif"}


def test_tiles_of_others_do_not_exist(resources, bob, large_scene):
    with pytest.raises(NotFound):
        tiles.scene_tile(resources, bob, large_scene.id, TileAddress(3, 2, 3))
