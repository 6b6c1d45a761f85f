import pytest

from tests.support.jobs import add_scene, submit
from tests.webapp.api.made_results import make_result
from webapp.errors import BboxInvalid, FormatUnknown, NotFound, RequestInvalid
from webapp.services import footprints
from webapp.services.exports import open_export, plain_stem
from webapp.services.footprints import FootprintQuery


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("banepa 1234", "banepa-1234"),
        ('a"; rm -rf /.tif\r\nX: y', "a-rm-rf-tif-x-y"),
        ("Straße", "stra-e"),
        ("../..", "buildings"),
        ("", "buildings"),
        ("x" * 500, "x" * 60),
    ],
)
def test_file_names_are_plain(title, stem):
    assert plain_stem(title) == stem


def test_what_cannot_be_is_refused_before_the_download_begins(resources, alice, bob):
    job = submit(resources, alice, add_scene(resources, alice))
    mine = FootprintQuery(job_id=job.id)
    with pytest.raises(FormatUnknown):
        open_export(resources, alice, mine, "exe")
    with pytest.raises(NotFound):
        open_export(resources, bob, mine, "geojson")
    with pytest.raises(RequestInvalid):
        open_export(resources, alice, FootprintQuery(), "geojson")
    with pytest.raises(BboxInvalid):
        open_export(resources, alice, FootprintQuery(bbox_deg=(0, 5, 1, 4)), "geojson")


def test_an_error_in_the_first_rows_comes_before_the_download_begins(resources, alice, tmp_path, monkeypatch):
    result = make_result(resources, alice, tmp_path)

    def broken(*given):
        raise RuntimeError("lost")
        yield

    monkeypatch.setattr(footprints, "iter_batches", broken)
    for name in ("csv", "gpkg"):
        with pytest.raises(RuntimeError):
            open_export(resources, alice, FootprintQuery(job_id=result.job_id), name)


def test_a_download_that_is_left_cleans_up(resources, alice, tmp_path):
    result = make_result(resources, alice, tmp_path)
    stream = open_export(resources, alice, FootprintQuery(job_id=result.job_id), "gpkg")
    scratch = resources.settings.data_dir / "scratch"
    assert len(list(scratch.iterdir())) == 1
    next(stream.chunks)
    stream.chunks.close()
    assert list(scratch.iterdir()) == []
