import pytest
from sqlalchemy import func, select

from auth.principals import SYSTEM
from models.footprint import BuildingFootprint
from tests.support.footprint_files import write_geojson
from tests.support.people import make_person
from webapp import cli
from webapp.cli import main
from webapp.database import migrate
from webapp.resources import open_resources
from webapp.services import footprints
from webapp.services.footprints import FootprintQuery
from webapp.settings import load_settings


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "ROOT", tmp_path)  # away from the developer's `.env`
    return load_settings(data_dir=tmp_path / "data")


def test_a_file_is_imported_where_nothing_runs(settings, tmp_path, capsys):
    migrate(settings.database_address)
    resources = open_resources(settings)
    ada = make_person(resources, "ada")
    town = write_geojson(tmp_path / "town.geojson")
    options = ["--owner", "ada", "--confidence-column", "score", "--data", str(settings.data_dir)]
    assert main(["import", str(town), *options]) == 0
    told = capsys.readouterr().out
    assert "town.geojson: GeoJSON" in told
    assert "left out: 1 duplicate (row 7: the same shape as row 2)" in told
    assert "Imported 6 buildings as job " in told
    assert footprints.count(resources, ada, FootprintQuery(min_confidence=0.5)) == 3
    resources.close()


def test_what_cannot_be_imported_is_one_sentence(settings, tmp_path, capsys):
    broken = tmp_path / "houses.geojson"
    broken.write_text('{"type":"FeatureCollection","features":[{"type":')
    for arguments, words in (
        ([str(tmp_path / "none.geojson")], "run: none.geojson cannot be read: no such file"),
        ([str(write_geojson(tmp_path / "t.geojson")), "--owner", "nobody"], "run: There is no account nobody."),
        ([str(broken)], "run: houses.geojson cannot be read"),
    ):
        assert main(["import", *arguments, "--data", str(settings.data_dir)]) == 1
        assert words in capsys.readouterr().err
    resources = open_resources(settings)
    with resources.database.read(SYSTEM) as session:
        assert session.scalar(select(func.count(BuildingFootprint.id))) == 0
    assert list(resources.storage.entries()) == []
    resources.close()
