"""Settle which of two buildings keeps the ground that both claim: the one of higher rank."""

from collections.abc import Iterable, Sequence

import shapely
from shapely.geometry.base import BaseGeometry

from processing.matching import Instance
from processing.polygonize import largest_polygon
from processing.rects import meet
from processing.views import MaskShape, tight

SURVIVES_WITH = 0.5
FRAGMENT_SURVIVES_WITH = 0.7
"""Share of its own pixels that a building, or a lone fragment, must keep. What has less was another one's part."""


def survives(instance: Instance, higher: Iterable[Instance]) -> bool:
    """Tell whether enough of an instance is left where no instance of higher rank lies."""
    left = without(instance.shape, higher).area_px
    return bool(left >= instance.shape.area_px * (SURVIVES_WITH if instance.confirmed else FRAGMENT_SURVIVES_WITH))


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


def without_outlines(outline: BaseGeometry, higher: Sequence[BaseGeometry]) -> BaseGeometry | None:
    """Return the largest piece of an outline outside the outlines of higher rank, or None.

    After squaring, neighbours may reach into each other by a pixel or two; this gives them one shared wall.
    """
    touching = [other for other in higher if shapely.intersects(outline, other)]
    if not touching:
        return outline
    rest = shapely.difference(outline, shapely.union_all(touching))
    return outline if rest.equals(outline) else largest_polygon(rest)
