"""The torch engine against ONNX Runtime: the same weights, the same pictures, the same detections."""

import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it belongs to the training extra")
pytest.importorskip("torchvision", reason="torchvision is not installed; it belongs to the training extra")
pytest.importorskip("safetensors", reason="safetensors is not installed; it belongs to the training extra")
pytest.importorskip("onnx", reason="onnx is not installed; it belongs to the training extra")

from processing.detector.card_metadata import ExportMetadata  # noqa: E402
from processing.detector.engines import open_engine  # noqa: E402
from processing.detector.export_onnx import export_onnx  # noqa: E402
from processing.detector.network import BuildingNetwork  # noqa: E402
from processing.detector.onnx_engine import OnnxDetector  # noqa: E402
from processing.detector.torch_engine import TorchDetector, TorchOptions  # noqa: E402
from processing.detector.weights_file import save_safetensors  # noqa: E402
from processing.errors import DeviceUnavailable, WeightsInvalid  # noqa: E402

SIDE_PX = 256
METADATA = ExportMetadata("test", "1", window_px=SIDE_PX, stride_px=192, score_gain=0.8, score_shift=0.3)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One network in both forms. It is not trained: its heads are scaled up until scores are as far apart as learnt
    ones, since the order of nearly equal scores hangs on the last bit."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(5)
    network = BuildingNetwork()
    with torch.no_grad():
        for layer, gain in (
            (network.proposals.head.cls_logits, 3000),
            (network.proposals.head.bbox_pred, 500),
            (network.heads.box_predictor.cls_score, 3000),
            (network.heads.box_predictor.bbox_pred, 300),
        ):
            layer.weight.mul_(gain)
    with warnings.catch_warnings():  # torch's exporter by tracing warns of itself
        warnings.simplefilter("ignore")
        export_onnx(network, METADATA, folder / "test.onnx")
    save_safetensors(network.state_dict(), folder / "test.safetensors", METADATA.to_properties())
    return folder


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(1)
    pictures = rng.integers(50, 110, (3, SIDE_PX, SIDE_PX, 3), np.uint8)
    for picture in pictures:
        for _ in range(25):
            x, y, width, height = (int(value) for value in rng.integers((0, 0, 12, 12), (210, 210, 46, 46)))
            picture[y : y + height, x : x + width] = rng.integers(0, 255, 3)
    return pictures


def assert_same(found, expected):
    """Compare as sets: detections of nearly equal scores may change places."""
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.boxes.dtype == mine.scores.dtype == mine.masks.dtype == np.float32
        assert mine.boxes.shape == theirs.boxes.shape
        away = np.abs(mine.boxes[:, None] - theirs.boxes[None]).max(axis=2, initial=0)
        partner = away.argmin(axis=1) if len(away) else np.zeros(0, int)
        assert len(set(partner)) == len(partner)
        assert np.abs(mine.boxes - theirs.boxes[partner]).max(initial=0) < 0.02
        assert np.abs(mine.scores - theirs.scores[partner]).max(initial=0) < 1e-3
        assert np.abs(mine.masks - theirs.masks[partner]).max(initial=0) < 1e-3


def test_both_engines_find_the_same(files, pictures):
    by_onnx = OnnxDetector(files / "test.onnx", "cpu").detect(pictures)
    by_torch = TorchDetector(files / "test.safetensors", "cpu", TorchOptions(batch_windows=3)).detect(pictures)
    assert sum(len(found.scores) for found in by_onnx) > 30
    assert_same(by_torch, by_onnx)


def test_windows_of_a_batch_never_influence_each_other(files, pictures):
    together = TorchDetector(files / "test.safetensors", "cpu", TorchOptions(batch_windows=2)).detect(pictures)
    alone = TorchDetector(files / "test.safetensors", "cpu", TorchOptions(batch_windows=1)).detect(pictures)
    assert_same(together, alone)


def test_black_windows_and_none_at_all(files):
    detector = TorchDetector(files / "test.safetensors", "cpu")
    assert detector.detect(np.zeros((0, SIDE_PX, SIDE_PX, 3), np.uint8)) == []
    assert len(detector.detect(np.zeros((2, SIDE_PX, SIDE_PX, 3), np.uint8))) == 2


def test_bfloat16_stays_near(files, pictures):
    exact = TorchDetector(files / "test.safetensors", "cpu").detect(pictures[:1])[0]
    half = TorchDetector(files / "test.safetensors", "cpu", TorchOptions(half=True)).detect(pictures[:1])[0]
    assert len(half.scores) == pytest.approx(len(exact.scores), abs=0.2 * len(exact.scores) + 2)
    assert half.scores[:3] == pytest.approx(exact.scores[:3], abs=0.1)


def test_the_cards_of_both_files_agree(files):
    onnx_card = OnnxDetector(files / "test.onnx", "cpu").card
    card = TorchDetector(files / "test.safetensors", "cpu").card
    assert (card.name, card.window_px, card.stride_px) == (onnx_card.name, onnx_card.window_px, onnx_card.stride_px)
    assert card.gsd_working_m == onnx_card.gsd_working_m
    assert card.weights_sha256 != onnx_card.weights_sha256


def test_the_file_and_the_device_choose_the_engine(files):
    assert isinstance(open_engine(files / "test.safetensors", "cpu"), TorchDetector)
    assert isinstance(open_engine(files / "test.onnx", "cpu"), OnnxDetector)
    if torch.cuda.is_available():
        assert isinstance(open_engine(files / "test.onnx", "auto"), TorchDetector)
        return
    assert isinstance(open_engine(files / "test.onnx", "auto"), OnnxDetector)
    with pytest.raises(DeviceUnavailable, match="CUDA"):
        open_engine(files / "test.safetensors", "cuda")


def test_bad_files_are_refused(files, tmp_path):
    with pytest.raises(WeightsInvalid, match="no such file"):
        open_engine(tmp_path / "missing.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((files / "test.safetensors").read_bytes()[:-1000])
    with pytest.raises(WeightsInvalid, match="cannot be read"):
        open_engine(cut)
    other = tmp_path / "other.safetensors"
    other.write_bytes((files / "test.safetensors").read_bytes().replace(b"trunk.stem", b"trunk.stam"))
    with pytest.raises(WeightsInvalid, match="not those of the network"):
        open_engine(other)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_cuda_finds_what_the_cpu_finds(files, pictures):
    on_cpu = TorchDetector(files / "test.safetensors", "cpu").detect(pictures)
    on_cuda = TorchDetector(files / "test.safetensors", "cuda", TorchOptions(half=False)).detect(pictures)
    assert_same(on_cuda, on_cpu)
