import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; it belongs to the training extra")
torchvision = pytest.importorskip(
    "torchvision", reason="torchvision is not installed; it belongs to the training extra"
)

from processing.detector.torch_boxes import Ranked, decode, kept_by_nms  # noqa: E402


def crowd(seed, count):
    """Boxes that overlap in long chains, the highest score first."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 120, (count, 2))
    boxes = np.column_stack([corners, corners + rng.uniform(5, 60, (count, 2))])
    scores = np.sort(rng.random(count))[::-1].copy()
    return torch.from_numpy(boxes).float(), torch.from_numpy(scores).float()


@pytest.mark.parametrize("iou_max", [0.3, 0.5, 0.7])
def test_suppressing_groups_together_gives_what_torchvision_gives_for_each(iou_max):
    groups = [crowd(seed, 300) for seed in range(6)]
    valid = torch.rand(6, 300, generator=torch.Generator().manual_seed(0)) > 0.2
    kept = kept_by_nms(torch.stack([boxes for boxes, _ in groups]), valid, iou_max)
    for index, (boxes, scores) in enumerate(groups):
        alone = torch.where(valid[index])[0]
        expected = alone[torchvision.ops.nms(boxes[alone], scores[alone], iou_max)]
        assert torch.equal(torch.where(kept[index])[0], expected.sort().values)
    assert 0 < kept.sum() < valid.sum()


def test_nothing_is_kept_of_groups_without_boxes():
    assert not kept_by_nms(torch.zeros(2, 5, 4), torch.zeros(2, 5, dtype=torch.bool), 0.5).any()


def test_the_valid_ones_come_first_by_score():
    boxes = torch.arange(16.0).reshape(1, 4, 4)
    ranked = Ranked(boxes, torch.tensor([[0.9, 0.2, 0.5, 0.8]]), torch.tensor([[False, True, True, True]])).first(3)
    assert torch.equal(ranked.boxes[0], boxes[0, [3, 2, 1]])
    assert ranked.valid.all()


def test_codes_move_boxes_as_torchvision_does():
    from torchvision.models.detection._utils import BoxCoder

    boxes, _ = crowd(3, 50)
    codes = torch.randn(50, 4, generator=torch.Generator().manual_seed(2)) * 3
    for weights in ((10.0, 10.0, 5.0, 5.0), (1.0, 1.0, 1.0, 1.0)):
        expected = BoxCoder(weights).decode(codes, [boxes])[:, 0]
        torch.testing.assert_close(decode(codes, boxes, weights), expected)
