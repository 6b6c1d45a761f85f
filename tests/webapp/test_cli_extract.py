import argparse
import json
import subprocess
import sys
from pathlib import Path

import geopandas
import numpy as np
import pytest

from tests.processing.bright_roofs import BrightRoofs
from tests.processing.made_scenes import paint, scattered_roofs, write_scene
from tests.processing.test_pipeline import region
from webapp import cli_extract

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (
    "import argparse, sys; from webapp.cli_extract import add_extract; parser = argparse.ArgumentParser(); "
    "add_extract(parser.add_subparsers()); args = parser.parse_args(); sys.exit(args.run(args))"
)


@pytest.fixture
def scene(tmp_path):
    roofs = scattered_roofs(np.random.default_rng(2), (700, 900), 40)
    return write_scene(tmp_path / "town.tif", paint((700, 900), roofs))


@pytest.fixture
def bright(monkeypatch):
    """Made-up scenes need a detector that knows their roofs; everything else is the real program."""
    monkeypatch.setattr(cli_extract, "load_detector", lambda weights, device: BrightRoofs())


def run(*arguments):
    parser = argparse.ArgumentParser()
    cli_extract.add_extract(parser.add_subparsers())
    args = parser.parse_args(["extract", *map(str, arguments)])
    return args.run(args)


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".parquet", ".fgb", ".csv", ".kml", ".zip"])
def test_writes_the_format_that_the_suffix_names(bright, scene, tmp_path, capsys, suffix):
    output = tmp_path / f"out{suffix}"
    assert run(scene, "-o", output) == 0
    captured = capsys.readouterr()
    assert "40 buildings" in captured.out
    assert "MP/s" in captured.out
    assert "peak memory" in captured.out
    assert "windows" in captured.err
    if suffix in (".geojson", ".gpkg", ".fgb"):
        assert len(geopandas.read_file(output)) == 40


def test_options_reach_the_pipeline(bright, scene, tmp_path, capsys):
    area = tmp_path / "area.geojson"
    area.write_text(json.dumps(region(scene, 0, 0, 450, 700).__geo_interface__))
    output = tmp_path / "half.geojson"
    assert run(scene, "-o", output, "--aoi", area, "--no-regularize", "--window-px", "600") == 0
    frame = geopandas.read_file(output)
    assert 5 < len(frame) < 35
    assert set(frame.reg_status) == {"off"}
    assert run(scene, "-o", output, "--aoi", area, "--regularization-method", "right_angles") == 0
    assert set(geopandas.read_file(output).reg_method) <= {"rectangle", "rectilinear", "none"}
    assert run(scene, "-o", output, "--min-confidence", "0.95") == 0
    assert "0 buildings" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.tif", "-o", "out.geojson"), "SceneFileMissing"),
        (("notes.tif", "-o", "out.geojson"), "NotARaster: notes.tif is not a GeoTIFF: its content is plain text"),
        (("town.tif", "-o", "out.dwg"), "OutputUnsupported"),
        (("town.tif", "-o", "no/folder/out.geojson"), "OutputNotWritable"),
        (("town.tif", "-o", "town.tif.geojson", "--min-confidence", "7"), "ParameterInvalid"),
        (("town.tif", "-o", "out.geojson", "--regularization-tolerance-px", "0"), "ParameterInvalid"),
        (("town.tif", "-o", "out.geojson", "--aoi", "notes.tif"), "AoiInvalid"),
        (("town.tif", "-o", "out.geojson", "--aoi", "elsewhere.geojson"), "AoiOutsideScene"),
        (("town.tif", "-o", "out.geojson", "--gsd", "4"), "PixelSizeTooLarge"),
    ],
)
def test_bad_input_is_one_sentence_and_an_exit_code(bright, scene, tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    Path("notes.tif").write_text("only words")
    Path("elsewhere.geojson").write_text('{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}')
    before = sorted(entry.name for entry in tmp_path.iterdir())
    assert run(*arguments) != 0
    captured = capsys.readouterr()
    assert words in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert sorted(entry.name for entry in tmp_path.iterdir()) == before


def test_the_scene_is_never_overwritten(bright, tmp_path, capsys):
    odd = write_scene(tmp_path / "odd.geojson", paint((90, 90), []))
    content = odd.read_bytes()
    assert run(odd, "-o", odd) == 1
    assert "OutputNotWritable" in capsys.readouterr().err
    assert odd.read_bytes() == content


def test_an_interrupt_leaves_no_file(scene, tmp_path, capsys, monkeypatch):
    class Interrupted(BrightRoofs):
        def detect(self, images):
            if self.windows_seen >= 2:
                raise KeyboardInterrupt
            return super().detect(images)

    monkeypatch.setattr(cli_extract, "load_detector", lambda weights, device: Interrupted())
    for suffix in (".geojson", ".gpkg"):
        assert run(scene, "-o", tmp_path / f"out{suffix}") == cli_extract.STOPPED_BY_USER
    assert "Nothing was written" in capsys.readouterr().err
    assert [entry.name for entry in tmp_path.iterdir()] == [scene.name]


def test_the_real_program_runs_with_the_shipped_weights(scene, tmp_path):
    output = tmp_path / "out.geojson"
    child = subprocess.run(
        [sys.executable, "-c", PROGRAM, "extract", scene, "-o", output, "--device", "cpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert "buildings" in child.stdout
    assert json.loads(output.read_bytes())["type"] == "FeatureCollection"
