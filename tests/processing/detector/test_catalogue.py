import json
import os

import pytest

from processing.detector.catalogue import WEIGHTS_FOLDER, Catalogue, describe, member_names, recommended_confidence
from processing.detector.onnx_engine import OnnxDetector
from processing.detector.onnx_metadata import read_onnx_metadata
from processing.errors import EnsembleInvalid, WeightsInvalid, WeightsUnknown
from tests.support.made_weights import write_weights


@pytest.fixture
def catalogue(tmp_path):
    write_weights(tmp_path / "north.onnx", name="north", gsd_min_m=0.1)
    write_weights(tmp_path / "south.onnx", name="south", gsd_max_m=0.8, scores=(0.4,))
    (tmp_path / "broken.onnx").write_bytes(b"no weights")
    return Catalogue((tmp_path, WEIGHTS_FOLDER))


def test_the_default_comes_first_and_damaged_files_are_left_out(catalogue):
    assert catalogue.names() == ["default", "broken", "north", "south"]
    assert [entry.name for entry in catalogue.installed()] == ["default", "north", "south"]


def test_cards_are_read_without_the_engine_as_the_engine_reads_them(catalogue):
    assert catalogue.card("default") == OnnxDetector(WEIGHTS_FOLDER / "default.onnx", "cpu").card
    assert catalogue.card("north") == OnnxDetector(catalogue.path_of("north"), "cpu").card


def test_an_own_file_of_the_same_name_counts_and_a_replaced_file_is_read_anew(catalogue, tmp_path):
    path = write_weights(tmp_path / "default.onnx", name="mine")
    assert catalogue.card("default").name == "mine 1"
    os.utime(write_weights(path, name="newer"), ns=(1, 1))
    assert catalogue.card("default").name == "newer 1"
    assert Catalogue((WEIGHTS_FOLDER,), {"default": path}).card("default").name == "newer 1"


def test_a_model_card_of_other_weights_counts_as_none(catalogue, tmp_path):
    beside = tmp_path / "north.json"
    beside.write_text(json.dumps({"recommended_min_confidence": 0.3}))
    assert catalogue.find("north").recommended_min_confidence == 0.3
    assert recommended_confidence([catalogue.find("north"), catalogue.find("south")]) == 0.3
    beside.write_text(json.dumps({"recommended_min_confidence": 0.3, "file:checksum_sha256": "0" * 64}))
    assert catalogue.find("north").details == {}
    assert recommended_confidence([catalogue.find("north")]) == 0.5


@pytest.mark.parametrize("name", ["nothing", "../north", "/etc/passwd", "", "north+nothing", "north+", "a" * 80])
def test_names_that_are_not_installed_are_refused(catalogue, name):
    with pytest.raises(WeightsUnknown, match="installed"):
        catalogue.card(name)


def test_an_ensemble_has_few_members_each_once():
    assert member_names("a+b+a") == ["a", "b"]
    with pytest.raises(WeightsUnknown, match="at most"):
        member_names("+".join(f"m{number}" for number in range(9)))


def test_a_joint_card_has_the_common_range_and_one_hash(catalogue):
    joint = catalogue.card("north+south")
    assert (joint.gsd_min_m, joint.gsd_max_m) == (0.1, 0.8)
    assert joint.name == "north 1 + south 1"
    assert joint.weights_sha256 == catalogue.card("south+north").weights_sha256
    assert joint.weights_sha256 not in (catalogue.card("north").weights_sha256, catalogue.card("south").weights_sha256)


@pytest.mark.parametrize(
    ("other", "words"),
    [({"stride_px": 48}, "stride_px"), ({"gsd_working_m": 0.5}, "gsd_working_m"), ({"gsd_max_m": 0.09}, "suits all")],
)
def test_weights_that_do_not_go_together_are_refused(catalogue, tmp_path, other, words):
    write_weights(tmp_path / "other.onnx", **other)
    with pytest.raises(EnsembleInvalid, match=words):
        catalogue.card("north+other")


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x72\x7f", b"\x0b" * 9, b"text, no weights"])
def test_bytes_that_are_no_weights_are_refused(tmp_path, content):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    with pytest.raises(WeightsInvalid, match="bad"):
        describe(path)


def test_the_metadata_of_the_shipped_weights():
    metadata = read_onnx_metadata(WEIGHTS_FOLDER / "default.onnx")
    assert metadata["name"] == "default"
    assert json.loads(metadata["class_names"]) == {"0": "building"}
