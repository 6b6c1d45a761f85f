import hashlib

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it belongs to the training extra")
pytest.importorskip("torchvision", reason="torchvision is not installed; it belongs to the training extra")
pytest.importorskip("onnx", reason="onnx is not installed; it belongs to the training extra")
safetensors = pytest.importorskip(
    "safetensors", reason="safetensors is not installed; it belongs to the training extra"
)

from processing.detector.network import BuildingNetwork  # noqa: E402
from processing.detector.registry import WEIGHTS_FOLDER  # noqa: E402
from processing.detector.weights_file import load_state, save_beside_onnx, save_safetensors  # noqa: E402
from processing.errors import WeightsInvalid  # noqa: E402


@pytest.fixture(scope="module")
def shipped():
    return load_state(WEIGHTS_FOLDER / "default.onnx")


def test_the_shipped_weights_fill_the_network(shipped):
    BuildingNetwork().load_weights(shipped)
    assert all(value.dtype == torch.float32 for value in shipped.values())


def test_every_kind_of_file_gives_the_same_weights(shipped, tmp_path):
    rounded = {name: value.half().float() for name, value in shipped.items()}
    save_safetensors(shipped, tmp_path / "a.safetensors")
    torch.save({"averaged": rounded, "step": 3}, tmp_path / "checkpoint.pt")
    torch.save(rounded, tmp_path / "plain.pt")
    for name in ("a.safetensors", "checkpoint.pt", "plain.pt"):
        state = load_state(tmp_path / name)
        assert state.keys() == shipped.keys()
        assert all(torch.equal(state[key], rounded[key]) for key in state), name


def test_what_lies_beside_an_onnx_file_has_its_weights_card_and_hash(shipped, tmp_path):
    copy = tmp_path / "copy.onnx"
    copy.write_bytes((WEIGHTS_FOLDER / "default.onnx").read_bytes())
    with safetensors.safe_open(save_beside_onnx(copy), framework="pt") as file:
        metadata = file.metadata()
    assert metadata["onnx_sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert metadata["window_px"] == "512"
    state = load_state(tmp_path / "copy.safetensors")
    assert all(torch.equal(state[name], shipped[name].half().float()) for name in shipped)


@pytest.mark.parametrize("name", ["a.onnx", "a.safetensors", "a.pt", "a.zip"])
def test_files_that_are_no_weights_are_refused_by_name(tmp_path, name):
    with pytest.raises(WeightsInvalid, match=name):
        load_state(tmp_path / name)
    (tmp_path / name).write_bytes(b"these are not weights")
    with pytest.raises(WeightsInvalid, match=name):
        load_state(tmp_path / name)
