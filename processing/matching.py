"""Decide which views show the same building, and which shape it then has."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from processing.rects import Rect, meet
from processing.views import MaskShape, View, border_of, tight
from processing.windows import WorkingGrid

SAME_ABOVE_IOU = 0.5
FRAGMENT_WITHIN = 0.7
APART_BELOW = 0.3
LARGEST_UNION_WINDOWS = 8


Window = tuple[int, int]
"""Column and row."""


@dataclass(slots=True, eq=False)
class Instance:
    """A building after its views were joined."""

    shape: MaskShape
    score: float
    confirmed: bool
    """Seen whole by one window, or in agreement by several; a lone fragment is not."""
    key: tuple[int, ...]
    seen_by: frozenset[Window]
    """Every window whose view went into it, or agreed with it."""
    owner: Window | None
    """The window that sees its place best; None where no window sees it whole."""

    @property
    def rank(self) -> tuple[bool, float, tuple[int, ...]]:
        """Where two buildings claim the same pixels, the higher rank keeps them."""
        return self.confirmed, self.score, self.key


def same_building(a: View, b: View, grid: WorkingGrid) -> bool:
    """Tell whether views from two windows agree inside what both windows see.

    They do when their masks there have an IoU above one half (so that one view can match only one of two separate
    buildings), or when a view that its window cuts lies inside the other one.
    """
    if a.window == b.window:
        return False
    windows = meet(grid.window_rect(*a.window), grid.window_rect(*b.window))
    rects = meet(a.shape.rect, b.shape.rect)
    shared = meet(rects, windows) if rects and windows else None
    if windows is None or shared is None:
        return False
    both = np.count_nonzero(a.shape.mask_in(shared) & b.shape.mask_in(shared))
    if not both:
        return False
    in_a, in_b = _count_in(a, windows), _count_in(b, windows)
    if both > SAME_ABOVE_IOU * (in_a + in_b - both):
        return True
    return bool((a.cut and both >= FRAGMENT_WITHIN * in_a) or (b.cut and both >= FRAGMENT_WITHIN * in_b))


def _count_in(view: View, windows: Rect) -> int:
    rect = meet(view.shape.rect, windows)
    if rect == view.shape.rect:
        return view.shape.area_px
    return int(np.count_nonzero(view.shape.mask_in(rect))) if rect else 0


def instances_of(group: Sequence[View], grid: WorkingGrid) -> list[Instance]:
    """Give the building that a group of matching views shows; rarely several, where a chain joined separate ones.

    The whole view that lies deepest in its window wins; only a building that no window sees whole is put together.
    """
    seen_by = frozenset(view.window for view in group)
    ordered = sorted(group, key=lambda view: (view.cut, -view.depth_px, -view.score, view.key))
    chosen: list[Instance] = []
    fragments: list[View] = []
    for view in ordered:
        if any(_overlap(view.shape, other.shape) >= APART_BELOW for other in chosen):
            continue
        if view.cut:
            fragments.append(view)
        else:
            chosen.append(Instance(view.shape, view.score, True, view.key, seen_by, _owner(view.shape.rect, grid)))
    return chosen + _joined(fragments, grid)


def _owner(rect: Rect, grid: WorkingGrid) -> Window | None:
    """Return the window that sees a place best, or None where that window's border cuts it too."""
    owner = grid.owner_of(rect)
    return None if border_of(rect, owner, grid)[0] else owner


def _overlap(shape: MaskShape, other: MaskShape) -> float:
    """Share of the smaller shape that both cover."""
    rect = meet(shape.rect, other.rect)
    if rect is None:
        return 0.0
    both = np.count_nonzero(shape.mask_in(rect) & other.mask_in(rect))
    return float(both / min(shape.area_px, other.area_px))


def _joined(fragments: list[View], grid: WorkingGrid) -> list[Instance]:
    """Unite fragments; those of something larger than any building stay apart, so that memory stays bounded."""
    if not fragments:
        return []
    rects = np.array([view.shape.rect for view in fragments])
    x0, y0 = rects[:, :2].min(axis=0)
    x1, y1 = rects[:, 2:].max(axis=0)
    if max(x1 - x0, y1 - y0) > LARGEST_UNION_WINDOWS * grid.window_px:
        return [Instance(view.shape, view.score, False, view.key, frozenset([view.window]), None) for view in fragments]
    canvas = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for view in fragments:
        left, top, right, bottom = view.shape.rect
        area = canvas[top - y0 : bottom - y0, left - x0 : right - x0]
        np.maximum(area, view.shape.probability, out=area)
    shape = tight(MaskShape(int(x0), int(y0), canvas))
    if shape is None:
        return []
    seen_by = frozenset(view.window for view in fragments)
    score, key = max(view.score for view in fragments), min(view.key for view in fragments)
    return [Instance(shape, score, len(seen_by) > 1, key, seen_by, _owner(shape.rect, grid))]
