"""The network over batches of windows, from bytes to detections, on one device. Needs torch.

The same steps as torchvision's Mask R-CNN in inference, written for all windows of a batch together: a loop over
windows would leave a GPU waiting.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList

from processing.detector.network import BuildingNetwork
from processing.detector.torch_boxes import Ranked, decode, kept_by_nms

SMALLEST_PROPOSAL_PX, SMALLEST_BOX_PX = 1e-3, 1e-2
BOX_CODE_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
PROPOSAL_CODE_WEIGHTS = (1.0, 1.0, 1.0, 1.0)

Dense = tuple[list[Tensor], list[Tensor], list[Tensor]]
"""Features, objectness and box codes of each level of the pyramid."""


@dataclass(frozen=True, slots=True)
class BatchDetections:
    """boxes (T, 4) px, scores (T,), masks (T, M, M) in [0, 1] of all windows in order; counts: how many of each."""

    boxes: Tensor
    scores: Tensor
    masks: Tensor
    counts: list[int]


class BatchNetwork:
    """Runs a network over batches of one size of window."""

    def __init__(
        self, network: BuildingNetwork, compile_dense: Callable[..., Callable[..., Dense]] | None = None
    ) -> None:
        """`network` is in inference mode. `compile_dense` may compile the part whose shapes never change."""
        self._network = network
        self._dense = compile_dense(self._run_dense) if compile_dense else self._run_dense
        self._anchors: dict[int, list[Tensor]] = {}

    def detect(self, windows: Tensor) -> BatchDetections:
        """windows: (N, S, S, 3) uint8 RGB on the network's device."""
        side_px = int(windows.shape[1])
        features, objectness, codes = self._dense(windows)
        pyramid = OrderedDict((str(level), values) for level, values in enumerate(features))
        sizes = [(side_px, side_px)] * len(windows)
        proposals = self._propose(objectness, codes, side_px)
        found = self._judge(pyramid, proposals, sizes)
        counts: list[int] = found.valid.sum(dim=1).tolist()
        boxes = [window[:count] for window, count in zip(found.boxes, counts, strict=True)]
        return BatchDetections(torch.cat(boxes), found.scores[found.valid], self._masks(pyramid, boxes, sizes), counts)

    def _run_dense(self, windows: Tensor) -> Dense:
        # (N, H, W, 3) turned is channels-last already: nothing is copied but the change to float.
        pictures = windows.permute(0, 3, 1, 2).float() / 255.0
        features = list(self._network.features(pictures).values())
        objectness, codes = self._network.proposals.head(features)
        return features, objectness, codes

    def _propose(self, objectness: list[Tensor], codes: list[Tensor], side_px: int) -> Ranked:
        """Return the proposals of each window: the best of each level, less what other ones of the level cover."""
        proposer = self._network.proposals
        most = proposer.pre_nms_top_n()
        levels = [
            _best_of_level(scores, level_codes, anchors, most)
            for scores, level_codes, anchors in zip(
                objectness, codes, self._anchors_of(objectness, side_px), strict=True
            )
        ]
        boxes = torch.stack([level[0] for level in levels], dim=1).clamp(0, side_px)
        scores = torch.stack([level[1] for level in levels], dim=1)
        valid = (scores >= 0) & _is_larger_than(boxes, SMALLEST_PROPOSAL_PX)
        groups = len(boxes) * len(levels)
        kept = kept_by_nms(boxes.reshape(groups, -1, 4), valid.reshape(groups, -1), proposer.nms_thresh)
        together = Ranked(boxes.flatten(1, 2), scores.flatten(1), kept.reshape(len(boxes), -1))
        return together.first(proposer.post_nms_top_n())

    def _judge(self, pyramid: OrderedDict[str, Tensor], proposals: Ranked, sizes: list[tuple[int, int]]) -> Ranked:
        """Score and refine the proposals, and leave out what scores low or shows a building again."""
        heads = self._network.heads
        pooled = heads.box_roi_pool(pyramid, list(proposals.boxes), sizes)
        logits, codes = heads.box_predictor(heads.box_head(pooled))
        windows, most = proposals.valid.shape
        scores = logits.float().softmax(dim=-1)[:, 1].reshape(windows, most)
        boxes = decode(codes.float()[:, 4:].reshape(windows, most, 4), proposals.boxes, BOX_CODE_WEIGHTS)
        boxes = boxes.clamp(0, sizes[0][0])
        valid = proposals.valid & (scores > heads.score_thresh) & _is_larger_than(boxes, SMALLEST_BOX_PX)
        ranked = Ranked(boxes, scores, valid).first(most)
        kept = kept_by_nms(ranked.boxes, ranked.valid, heads.nms_thresh)
        return Ranked(ranked.boxes, ranked.scores, kept).first(heads.detections_per_img)

    def _masks(self, pyramid: OrderedDict[str, Tensor], boxes: list[Tensor], sizes: list[tuple[int, int]]) -> Tensor:
        heads = self._network.heads
        pooled = heads.mask_roi_pool(pyramid, boxes, sizes)
        logits: Tensor = heads.mask_predictor(heads.mask_head(pooled))
        return logits[:, 1].float().sigmoid()

    def _anchors_of(self, objectness: list[Tensor], side_px: int) -> list[Tensor]:
        """Return the anchors (A, 4) px of each level; the same for every window, so they are made once."""
        if side_px not in self._anchors:
            generator = self._network.proposals.anchor_generator
            one = objectness[0].new_zeros((1, 3, side_px, side_px), dtype=torch.float32)
            levels = [level[:1].float() for level in objectness]
            anchors = generator(ImageList(one, [(side_px, side_px)]), levels)[0]
            self._anchors[side_px] = list(anchors.split([level[0].numel() for level in levels]))
        return self._anchors[side_px]


def _best_of_level(objectness: Tensor, codes: Tensor, anchors: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """Return boxes (N, most, 4) px and scores (N, most) of one level, highest first, filled up with scores of -1.

    objectness: (N, A, H, W); codes: (N, 4A, H, W); anchors: (HWA, 4) px.
    """
    windows = len(objectness)
    scores = objectness.permute(0, 2, 3, 1).flatten(1).float()
    flat_codes = codes.unflatten(1, (-1, 4)).permute(0, 3, 4, 1, 2).reshape(windows, -1, 4)
    best, at = scores.topk(min(most, scores.shape[1]), dim=1)
    chosen = flat_codes.gather(1, at[..., None].expand(-1, -1, 4)).float()
    boxes = decode(chosen, anchors[at], PROPOSAL_CODE_WEIGHTS)
    missing = most - best.shape[1]
    boxes = torch.nn.functional.pad(boxes, (0, 0, 0, missing))
    return boxes, torch.nn.functional.pad(best.sigmoid(), (0, missing), value=-1.0)


def _is_larger_than(boxes: Tensor, side_px: float) -> Tensor:
    return ((boxes[..., 2:] - boxes[..., :2]) >= side_px).all(dim=-1)
