import json

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import text

from auth.principals import SYSTEM
from tests.support.footprints import part_of
from tests.support.jobs import submit
from tests.support.people import make_person
from webapp.cli import main
from webapp.database import migrate
from webapp.resources import open_resources
from webapp.services import leases
from webapp.settings import load_settings


@pytest.fixture
def houses(tmp_path):
    """Two houses, one of them twice, and a point."""
    shapes = [shapely.box(8, 47, 8.001, 47.001), shapely.box(9, 47, 9.001, 47.001), shapely.box(8, 47, 8.001, 47.001)]
    path = tmp_path / "houses.geojson"
    gpd.GeoDataFrame(geometry=[*shapes, shapely.Point(8, 47)], crs=4326).to_file(path)
    return path


def test_a_file_of_footprints_is_checked_row_by_row(houses, capsys):
    assert main(["check", str(houses)]) == 0
    told = capsys.readouterr().out
    assert "4 rows" in told
    assert "2 buildings can be used" in told
    assert "1 duplicate (row 3:" in told
    assert "1 not a polygon (row 4:" in told
    assert main(["check", str(houses), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows_read"], found["kept"], found["refused_total"]) == (4, 2, 2)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, capsys):
    path = tmp_path / "houses.geojson"
    path.write_text("no houses here")
    assert main(["check", str(path)]) == 1
    assert capsys.readouterr().err.startswith("run: ")


def test_indexes_are_compared_with_the_database_and_built_anew(tmp_path, capsys):
    settings = load_settings(data_dir=tmp_path / "data")
    migrate(settings.database_address)
    resources = open_resources(settings)
    alice = make_person(resources, "alice")
    leases.save_part(resources, leases.claim(resources, submit(resources, alice).id, "w"), part_of(0, 1))
    assert main(["index", "--data", str(settings.data_dir)]) == 0
    assert "everybody's index: 4 footprints, agrees with the database's 4" in capsys.readouterr().out
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE building_footprints SET version = 2 WHERE id = 1"))
    resources.close()
    assert main(["index", "--data", str(settings.data_dir)]) == 1
    assert "DIFFERS" in capsys.readouterr().out
    assert main(["index", "--data", str(settings.data_dir), "--rebuild"]) == 0
