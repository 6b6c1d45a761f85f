import pytest
from sqlalchemy import func, select

from auth.principals import SYSTEM, Principal, Role
from models.job import ProcessingJob
from models.scene import Scene, StoredFile
from processing.errors import NotARaster, ProcessingError
from processing.params import ExtractionParams
from tests.support.rasters import write_scene
from webapp.errors import NotFound, SceneInUse
from webapp.services import jobs, scenes, uploads


def receive(resources, principal, name, content):
    with uploads.begin_upload(resources, principal, name) as upload:
        upload.write(content)
        return upload.finish()


@pytest.fixture
def content(tmp_path):
    return write_scene(tmp_path / "made.tif").read_bytes()


def stored_keys(resources):
    return [key for key, _ in resources.storage.entries()]


def counts(resources):
    with resources.database.read(SYSTEM) as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) for table in (Scene, StoredFile))


def test_a_scene_is_checked_kept_and_found_by_its_owner_alone(resources, alice, bob, administrator, content):
    received = receive(resources, alice, "made.tif", content)
    scene = scenes.register_scene(resources, alice, received)
    assert (scene.name, scene.width_px, scene.height_px, scene.band_count) == ("made.tif", 256, 256, 3)
    assert (scene.epsg, scene.dtype, scene.size_bytes) == (32616, "uint8", len(content))
    assert scene.gsd_m == pytest.approx(0.3, rel=1e-2)
    west, south, east, north = scene.bounds_deg
    assert west < east
    assert south < north
    assert scene.outline_geojson["type"] == "Polygon"
    assert not received.path.exists()
    assert scenes.scene_file(resources, alice, scene.id).read_bytes() == content
    assert scenes.list_scenes(resources, alice) == [scene]
    assert scenes.get_scene(resources, administrator, scene.id) == scene
    assert scenes.list_scenes(resources, bob) == []
    for ask in (scenes.get_scene, scenes.scene_file, scenes.delete_scene, scenes.get_scene_info):
        with pytest.raises(NotFound):
            ask(resources, bob, scene.id)
        with pytest.raises(NotFound):
            ask(resources, alice, "no-such-scene")


def test_the_same_file_twice_is_two_scenes(resources, alice, content):
    first, second = (
        scenes.register_scene(resources, alice, receive(resources, alice, "made.tif", content)) for _ in range(2)
    )
    assert first.id != second.id
    scenes.delete_scene(resources, alice, first.id)
    assert scenes.scene_file(resources, alice, second.id).read_bytes() == content
    assert scenes.list_scenes(resources, alice) == [second]


@pytest.mark.parametrize(
    "content",
    [
        b"just some text, named as a picture",
        b"II*\0" + b"\0" * 100,
        b"<VRTDataset/>",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 64,
    ],
)
def test_what_is_no_scene_leaves_nothing(resources, alice, content):
    with pytest.raises(ProcessingError) as caught:
        scenes.register_scene(resources, alice, receive(resources, alice, "fake.tif", content))
    assert "fake.tif" in str(caught.value)
    assert counts(resources) == (0, 0)
    assert stored_keys(resources) == []
    assert list(uploads.incoming_folder(resources).iterdir()) == []


def test_text_is_called_text(resources, alice):
    with pytest.raises(NotARaster):
        scenes.register_scene(resources, alice, receive(resources, alice, "fake.tif", b"some plain text\n" * 10))


def test_rows_that_cannot_be_written_take_the_file_away_again(resources, alice, content):
    nobody = Principal(user_id=10_000_000, username="nobody", role=Role.USER)
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        scenes.register_scene(resources, nobody, receive(resources, alice, "made.tif", content))
    assert counts(resources) == (0, 0)
    assert stored_keys(resources) == []


def test_a_scene_goes_with_its_jobs_but_not_while_they_run(resources, alice, content):
    scene = scenes.register_scene(resources, alice, receive(resources, alice, "made.tif", content))
    job = jobs.submit_extraction(resources, alice, scene.id, ExtractionParams())
    with pytest.raises(SceneInUse):
        scenes.delete_scene(resources, alice, scene.id)
    jobs.cancel_job(resources, alice, job.id)
    scenes.delete_scene(resources, alice, scene.id)
    assert counts(resources) == (0, 0)
    assert stored_keys(resources) == []
    with resources.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count(ProcessingJob.id))) == 0
