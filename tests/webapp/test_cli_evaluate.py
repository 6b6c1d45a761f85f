import json
import re

import pytest

from tests.processing.training.labelled_folder import write_coco
from tests.support.made_weights import write_weights
from webapp.cli import main

PICTURES = {
    "a.png": [(10, 10, 30, 20), (60, 60, 20, 20), (50, 20, 20, 20)],
    "b.png": [(10, 10, 30, 20), (60, 60, 20, 20), (50, 20, 20, 20)],
}


@pytest.fixture
def weights(tmp_path):
    return write_weights(tmp_path / "made.onnx", [(10, 10, 40, 30), (70, 10, 90, 30)], (0.9, 0.8))


def test_a_coco_folder_is_measured_written_and_shown(weights, tmp_path, capsys):
    data = write_coco(tmp_path / "my <labels>", PICTURES)
    written, page = tmp_path / "out.json", tmp_path / "page"
    options = ["--weights", str(weights), "--data", str(data), "--json", str(written), "--page", str(page)]
    assert main(["evaluate", *options, "--threshold", "0.5", "--device", "cpu"]) == 0
    assert "my <labels>" in capsys.readouterr().out
    report = json.loads(written.read_text())
    measures = report["sources"]["my <labels>"]
    assert measures["labels"] == 6
    assert measures["at_threshold"]["precision"] == 0.5
    assert measures["at_threshold"]["recall"] == pytest.approx(1 / 3)
    assert measures["intervals"]["pictures"] == 2
    assert measures["polygons"]["matched"] == 2
    assert measures["polygons"]["n_ratio"] == 1.0
    html = (page / "index.html").read_text()
    assert "my &lt;labels&gt;" in html
    assert not re.search(r"(src|href)=\"(https?:)?//", html)
    for name in re.findall(r'src="([^"]+)"', html):
        assert (page / name).read_bytes()[8:12] == b"WEBP"


def test_a_folder_of_folders_is_measured_source_by_source(weights, tmp_path, capsys):
    for name in ("east", "west"):
        write_coco(tmp_path / "data" / name, PICTURES)
    assert main(["evaluate", "--weights", str(weights), "--data", str(tmp_path / "data"), "--sources", "west"]) == 0
    said = capsys.readouterr().out
    assert "west" in said
    assert "east" not in said


def test_a_missing_ground_sampling_distance_is_asked_for(weights, tmp_path, capsys):
    data = write_coco(tmp_path / "mine", PICTURES, gsd_m=None)
    options = ["evaluate", "--weights", str(weights), "--data", str(data)]
    assert main(options) == 1
    assert "--gsd" in capsys.readouterr().err
    assert main([*options, "--gsd", "0.4"]) == 0


@pytest.mark.parametrize("options", [["--sources", "north"], ["--every", "0"], ["--weights", "nothing"]])
def test_wrong_options_are_said_in_a_sentence(weights, tmp_path, capsys, options):
    data = write_coco(tmp_path / "mine", PICTURES)
    assert main(["evaluate", "--weights", str(weights), "--data", str(data), *options]) == 1
    assert re.match(r"[A-Z]\w+: ", capsys.readouterr().err)


def test_a_folder_without_labels_is_refused(tmp_path, capsys):
    assert main(["evaluate", "--data", str(tmp_path)]) == 1
    assert "LabelsInvalid" in capsys.readouterr().err
