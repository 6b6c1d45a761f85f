# mypy: disallow-subclassing-any=False
"""Assignment of training targets with regions that count neither as building nor as background. Needs torch.

A region is ignored where the label cannot be trusted: slivers of buildings that the crop's edge cut off, roofs too
small to see at this ground sampling distance.
"""

import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import RegionProposalNetwork

IGNORED_LABEL = -1
IGNORED_SHARE = 0.5
"""Share of an anchor or proposal that must lie in an ignored box for it to be left out."""


def ignored_share(boxes: Tensor, ignored: Tensor) -> Tensor:
    """Return (N,) the largest share of each box (N, 4) that lies in one of the ignored boxes (J, 4)."""
    if ignored.numel() == 0:
        return boxes.new_zeros(boxes.shape[0])
    lower = torch.maximum(boxes[:, None, :2], ignored[None, :, :2])
    upper = torch.minimum(boxes[:, None, 2:], ignored[None, :, 2:])
    common = (upper - lower).clamp(min=0).prod(dim=2)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-3).prod(dim=1)
    return (common / area[:, None]).amax(dim=1)


class BuildingProposals(RegionProposalNetwork):
    """The proposal network, leaving out background anchors that lie in ignored boxes."""

    def assign_targets_to_anchors(
        self, anchors: list[Tensor], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As the parent; background anchors in an ignored box get label -1, which the sampler passes over."""
        labels, matched = super().assign_targets_to_anchors(anchors, targets)
        for label, boxes, target in zip(labels, anchors, targets, strict=True):
            label[(label == 0) & (ignored_share(boxes, target["ignored"]) > IGNORED_SHARE)] = IGNORED_LABEL
        return labels, matched


class BuildingHeads(RoIHeads):
    """The box and mask heads, leaving out background proposals that lie in ignored boxes."""

    def select_training_samples(
        self, proposals: list[Tensor], targets: list[dict[str, Tensor]] | None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
        """As the parent; keeps the ignored boxes at hand for the assignment."""
        self._ignored = [target["ignored"] for target in targets or []]
        selected: tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]
        selected = super().select_training_samples(proposals, targets)
        return selected

    def assign_targets_to_proposals(
        self, proposals: list[Tensor], gt_boxes: list[Tensor], gt_labels: list[Tensor]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """As the parent; background proposals in an ignored box get label -1."""
        matched, labels = super().assign_targets_to_proposals(proposals, gt_boxes, gt_labels)
        for label, boxes, ignored in zip(labels, proposals, self._ignored, strict=True):
            label[(label == 0) & (ignored_share(boxes, ignored) > IGNORED_SHARE)] = IGNORED_LABEL
        return matched, labels
