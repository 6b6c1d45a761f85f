"""Settle which of two buildings keeps the ground that both claim: the one of higher rank."""

from collections.abc import Iterable

import numpy as np

from processing.matching import Instance
from processing.rects import meet
from processing.views import MaskShape, tight

SURVIVES_WITH = 0.6
FRAGMENT_SURVIVES_WITH = 0.7
"""Share of its own pixels that a building, or a lone fragment, must keep. What has less was another one's part."""
SAME_ABOVE_IOU = 0.25
"""Two instances that agree this much are two readings of one building; the lower would keep a frame around it."""
SAME_PLACE_ABOVE = 0.3
"""Share of an instance's pixels under another one, from which on both show the same place."""


def survives(instance: Instance, higher: Iterable[Instance]) -> bool:
    """Tell whether an instance is a building of its own beside those of higher rank, with enough left of it."""
    higher = list(higher)
    if any(_iou(instance.shape, other.shape) >= SAME_ABOVE_IOU for other in higher):
        return False
    left = without(instance.shape, higher).area_px
    return bool(left >= instance.shape.area_px * (SURVIVES_WITH if instance.confirmed else FRAGMENT_SURVIVES_WITH))


def denied(instance: Instance, neighbours: Iterable[Instance]) -> bool:
    """Tell whether the window that sees an instance's place best finds nothing there.

    Networks err near the border of their picture. Believing each window only where it sees best makes what is found
    depend on the ground, not on where windows happen to end. A window that finds something else there does not deny:
    rank decides between the two.
    """
    owner = instance.owner
    if owner is None or owner in instance.seen_by:
        return False
    return not any(owner in other.seen_by and _share_under(instance, other) >= SAME_PLACE_ABOVE for other in neighbours)


def _share_under(instance: Instance, other: Instance) -> float:
    rect = meet(instance.shape.rect, other.shape.rect)
    if rect is None:
        return 0.0
    both = np.count_nonzero(instance.shape.mask_in(rect) & other.shape.mask_in(rect))
    return float(both / instance.shape.area_px)


def _iou(shape: MaskShape, other: MaskShape) -> float:
    rect = meet(shape.rect, other.rect)
    if rect is None:
        return 0.0
    both = int(np.count_nonzero(shape.mask_in(rect) & other.mask_in(rect)))
    return both / (shape.area_px + other.area_px - both)


def without(shape: MaskShape, higher: Iterable[Instance]) -> MaskShape:
    """Return the shape less the pixels of instances of higher rank."""
    probability = shape.probability
    for other in higher:
        rect = meet(shape.rect, other.shape.rect)
        if rect is None:
            continue
        if probability is shape.probability:
            probability = probability.copy()
        rows = slice(rect[1] - shape.y0, rect[3] - shape.y0)
        columns = slice(rect[0] - shape.x0, rect[2] - shape.x0)
        probability[rows, columns][other.shape.mask_in(rect)] = 0
    return MaskShape(shape.x0, shape.y0, probability)


def trimmed(shape: MaskShape, higher: Iterable[Instance]) -> MaskShape | None:
    """Return the largest piece of the shape that no instance of higher rank covers, or None."""
    return tight(without(shape, higher))
