"""Several weights as one detector: what they find in a window is put together, building by building."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.detector.joint_card import joint_card
from processing.detector.protocol import Detector, DetectorCard, RawDetections

BOX_IOU_LEAST = 0.3
"""Boxes that overlap less are not looked at: their masks cannot agree."""
MASK_IOU_LEAST = 0.5

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Pool:
    """The detections of all members. member: (N,) which one found each."""

    boxes: Floats
    scores: Floats
    masks: Floats
    member: NDArray[np.int64]


class EnsembleDetector:
    """Members with equal windows. A building's score is the mean over members; who did not find it counts 0."""

    def __init__(self, members: Sequence[Detector]) -> None:
        """Raises `EnsembleInvalid` where the members do not go together."""
        self._card = joint_card([member.card for member in members])
        # In the order of the hashes, so that the order of the names changes nothing.
        self._members = sorted(members, key=lambda member: member.card.weights_sha256)

    @property
    def card(self) -> DetectorCard:
        """What the pipeline must know of the weights."""
        return self._card

    @property
    def batch_windows(self) -> int:
        """How many windows every member likes to get at once."""
        return min(member.batch_windows for member in self._members)

    def detect(self, images: NDArray[np.uint8]) -> list[RawDetections]:
        """Find buildings in windows.

        images: (N, S, S, 3) uint8 RGB. Returns one `RawDetections` for each; windows never influence each other.
        """
        by_member = [member.detect(images) for member in self._members]
        return [fuse(list(found)) for found in zip(*by_member, strict=True)]


def fuse(found: Sequence[RawDetections]) -> RawDetections:
    """Put the detections of one window together, one `RawDetections` for each member.

    The surest detection takes from each other member the one whose mask agrees best with its own (IoU of at least one
    half); boxes are averaged by score, masks evenly, over the members that found the building. The surest comes first.
    """
    pool = _pool(found)
    free = np.ones(len(pool.scores), dtype=bool)
    boxes, scores, masks = [], [], []
    for seed in np.argsort(-pool.scores, kind="stable"):
        if not free[seed]:
            continue
        group = [int(seed), *_partners(pool, int(seed), free, len(found))]
        free[group] = False
        weights = pool.scores[group] / pool.scores[group].sum()
        box = (pool.boxes[group] * weights[:, None]).sum(axis=0)
        boxes.append(box)
        scores.append(pool.scores[group].sum() / len(found))
        masks.append(np.mean([resample(pool.masks[at], pool.boxes[at], box) for at in group], axis=0))
    order = np.argsort(-np.array(scores, np.float32), kind="stable")
    side = pool.masks.shape[-1]
    return RawDetections(
        boxes=np.array(boxes, np.float32).reshape(-1, 4)[order],
        scores=np.array(scores, np.float32)[order],
        masks=np.array(masks, np.float32).reshape(-1, side, side)[order],
    )


def resample(mask: Floats, box: Floats, target: Floats) -> Floats:
    """Return (M, M): the probabilities of a mask (M, M) over its box on the cells of another box, 0 outside."""
    cells = mask.shape[0]
    across = _weights(cells, (box[0], box[2]), (target[0], target[2]))
    down = _weights(cells, (box[1], box[3]), (target[1], target[3]))
    return np.asarray(down @ mask @ across.T, dtype=np.float32)


def _pool(found: Sequence[RawDetections]) -> _Pool:
    side = max((raw.masks.shape[-1] for raw in found if len(raw.scores)), default=28)
    masks = [raw.masks if raw.masks.shape[-1] == side else _enlarged(raw, side) for raw in found]
    return _Pool(
        boxes=np.concatenate([raw.boxes for raw in found]).reshape(-1, 4),
        scores=np.concatenate([raw.scores for raw in found]),
        masks=np.concatenate([values.reshape(-1, side, side) for values in masks]),
        member=np.repeat(np.arange(len(found)), [len(raw.scores) for raw in found]),
    )


def _enlarged(raw: RawDetections, side: int) -> Floats:
    """Bring the masks of a member with a smaller grid to the largest one."""
    weights = _weights(raw.masks.shape[-1], (0.0, 1.0), (0.0, 1.0), side)
    enlarged = np.einsum("ai,kij,bj->kab", weights, raw.masks, weights)
    return np.asarray(enlarged, dtype=np.float32)


def _partners(pool: _Pool, seed: int, free: NDArray[np.bool_], members: int) -> list[int]:
    near = np.flatnonzero(free & (pool.member != pool.member[seed]))
    near = near[_box_iou(pool.boxes[seed], pool.boxes[near]) >= BOX_IOU_LEAST]
    best: dict[int, tuple[float, int]] = {}
    for other in near:
        iou = _mask_iou(pool, seed, int(other))
        member = int(pool.member[other])
        if iou >= MASK_IOU_LEAST and (member not in best or iou > best[member][0]):
            best[member] = iou, int(other)
    return [best[member][1] for member in range(members) if member in best]


def _mask_iou(pool: _Pool, one: int, other: int) -> float:
    both = pool.boxes[[one, other]]
    frame = np.concatenate([both[:, :2].min(axis=0), both[:, 2:].max(axis=0)])
    first, second = (resample(pool.masks[at], pool.boxes[at], frame) >= 0.5 for at in (one, other))
    union = int((first | second).sum())
    return float((first & second).sum()) / union if union else 0.0


def _box_iou(box: Floats, boxes: Floats) -> Floats:
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    common = np.clip(sides, 0, None).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - common
    return np.asarray(common / np.maximum(union, 1e-6))


def _weights(cells: int, source: tuple[float, float], target: tuple[float, float], wanted: int | None = None) -> Floats:
    """Return (wanted, cells): what each cell along `target` takes from those along `source`, by distance."""
    wanted = wanted or cells
    centres = target[0] + (np.arange(wanted) + 0.5) * (target[1] - target[0]) / wanted
    position = (centres - source[0]) * (cells / max(source[1] - source[0], 1e-6)) - 0.5
    inside = (position >= -0.5) & (position <= cells - 0.5)
    near = np.clip(position, 0, cells - 1)
    distance = np.abs(near[:, None] - np.arange(cells))
    return np.asarray(np.clip(1 - distance, 0, None) * inside[:, None], dtype=np.float32)
