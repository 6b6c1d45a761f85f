"""Boxes of many pictures at once, without a loop over pictures. Needs torch."""

from dataclasses import dataclass

import torch
from torch import Tensor

LARGEST_GROWTH = 4.135166556742356
"""log(1000 / 16): a box grows by no more than that, so that nothing overflows."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """Boxes (B, K, 4) px with scores (B, K), the highest first; `valid` (B, K) bool tells which are real."""

    boxes: Tensor
    scores: Tensor
    valid: Tensor

    def first(self, count: int) -> "Ranked":
        """Put the valid ones first, in the order of their scores, and keep at most `count` of each picture."""
        ranks = torch.where(self.valid, self.scores, -1.0)
        scores, order = ranks.topk(min(count, ranks.shape[1]), dim=1)
        boxes = self.boxes.gather(1, order[..., None].expand(-1, -1, 4))
        return Ranked(boxes, scores, self.valid.gather(1, order))


def decode(codes: Tensor, boxes: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """Move boxes (..., 4) px by codes (..., 4): shifts in units of the side, and logs of growth (Faster R-CNN)."""
    sides = boxes[..., 2:] - boxes[..., :2]
    centres = boxes[..., :2] + 0.5 * sides
    scaled = codes / codes.new_tensor(weights)
    moved = centres + scaled[..., :2] * sides
    half = 0.5 * sides * scaled[..., 2:].clamp(max=LARGEST_GROWTH).exp()
    return torch.cat([moved - half, moved + half], dim=-1)


def kept_by_nms(boxes: Tensor, valid: Tensor, iou_max: float) -> Tensor:
    """Greedy non-maximum suppression of many groups at once; the very result of going through each group in order.

    boxes: (B, K, 4) px, the highest score first. valid: (B, K) bool. Returns (B, K) bool.
    A box is kept when no kept box before it overlaps it by more than `iou_max`. Repeating that rule for all boxes
    together settles the first box in one round and at least one more in every further round; it ends when a round
    changes nothing, which takes as many rounds as the longest chain of overlaps, not as many as there are boxes.
    """
    overlapping = _overlapping(boxes, iou_max).tril(-1)
    kept = valid
    while True:
        again = valid & ~(overlapping & kept[:, None, :]).any(dim=2)
        if torch.equal(again, kept):
            return kept
        kept = again


def _overlapping(boxes: Tensor, iou_max: float) -> Tensor:
    """Return (B, K, K) bool: IoU above `iou_max`."""
    low = torch.maximum(boxes[:, :, None, :2], boxes[:, None, :, :2])
    high = torch.minimum(boxes[:, :, None, 2:], boxes[:, None, :, 2:])
    common = (high - low).clamp_(min=0).prod(dim=-1)
    areas = (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1)
    return common > iou_max * (areas[:, :, None] + areas[:, None, :] - common)
