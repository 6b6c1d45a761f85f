"""A view: one building as one window sees it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from processing.detector.pasting import INSIDE, paste
from processing.part_detections import PartDetections
from processing.rects import Rect, dilate
from processing.windows import WorkingGrid

CUT_WITHIN_PX = 3
CUT_WITHIN_SHARE = 0.04
"""A mask that ends this near to its window's border is taken to be cut by it: networks stop a little short."""

Mask = NDArray[np.bool_]


@dataclass(eq=False)
class MaskShape:
    """Probabilities placed in the world's working pixels, with a ring of outside pixels around what is inside.

    probability: (H, W) uint8 in 255ths; its first pixel is (x0, y0).
    """

    x0: int
    y0: int
    probability: NDArray[np.uint8]

    @cached_property
    def rect(self) -> Rect:
        """The pixels that the array covers."""
        height, width = self.probability.shape
        return self.x0, self.y0, self.x0 + width, self.y0 + height

    @cached_property
    def mask(self) -> Mask:
        """(H, W) bool: inside."""
        return self.probability >= INSIDE

    @cached_property
    def area_px(self) -> int:
        """Number of pixels inside."""
        return int(np.count_nonzero(self.mask))

    def mask_in(self, rect: Rect) -> Mask:
        """Return (H, W) bool over `rect`, which must lie within this shape's own rectangle."""
        rows = slice(rect[1] - self.y0, rect[3] - self.y0)
        columns = slice(rect[0] - self.x0, rect[2] - self.x0)
        return self.mask[rows, columns]


@dataclass(slots=True, eq=False)
class View:
    """One detection in its window."""

    shape: MaskShape
    window: tuple[int, int]
    score: float
    cut: bool
    """The window's border cuts the building, so that this view may be a fragment."""
    depth_px: int
    """Distance from the window's nearest border."""

    @property
    def key(self) -> tuple[int, int, int, int, int, int]:
        """A total order of views that does not depend on the order in which they came."""
        x0, y0, x1, y1 = self.shape.rect
        return y0, x0, self.window[1], self.window[0], y1, x1


def largest_piece(probability: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Keep the largest connected piece of what is inside, and the soft ring around it; None when nothing is inside."""
    inside = (probability >= INSIDE).view(np.uint8)
    outer, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if len(outer) <= 1:
        return probability if outer else None
    _, labels, stats, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    others = (labels > 0) & (labels != 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))
    return np.where(others, np.uint8(0), probability)


def tight(shape: MaskShape) -> MaskShape | None:
    """Crop to the largest piece plus a ring of one pixel, adding zeros where the array ends before that."""
    probability = largest_piece(shape.probability)
    if probability is None:
        return None
    column, row, width, height = cv2.boundingRect((probability >= INSIDE).view(np.uint8))
    kept = probability[max(row - 1, 0) : row + height + 1, max(column - 1, 0) : column + width + 1]
    cropped = np.zeros((height + 2, width + 2), np.uint8)
    top, left = int(row == 0), int(column == 0)
    cropped[top : top + kept.shape[0], left : left + kept.shape[1]] = kept
    return MaskShape(shape.x0 + column - 1, shape.y0 + row - 1, cropped)


def views_of(part: PartDetections, grid: WorkingGrid) -> Iterator[View]:
    """Paste the detections of a part into the world."""
    for window, box, score, mask in zip(part.windows, part.boxes, part.scores, part.masks, strict=True):
        pasted = paste(box, mask, grid.window_px)
        if pasted is None:
            continue
        column, row = int(window[0]), int(window[1])
        origin_x, origin_y, _, _ = grid.window_rect(column, row)
        shape = tight(MaskShape(origin_x + pasted[0], origin_y + pasted[1], pasted[2]))
        if shape is not None:
            cut, depth_px = border_of(shape.rect, (column, row), grid)
            yield View(shape, (column, row), float(score), cut, depth_px)


def border_of(rect: Rect, window: tuple[int, int], grid: WorkingGrid) -> tuple[bool, int]:
    """Tell whether the window cuts the building, where imagery goes on, and how far the border is.

    rect: the building's pixels with a ring of one pixel around them.
    """
    x0, y0, x1, y1 = dilate(rect, -1)
    wx0, wy0, wx1, wy1 = grid.window_rect(*window)
    cut, depth_px = False, grid.window_px
    for gap, extent, goes_on in (
        (x0 - wx0, x1 - x0, wx0 > grid.x.extent[0]),
        (wx1 - x1, x1 - x0, wx1 < grid.x.extent[1]),
        (y0 - wy0, y1 - y0, wy0 > grid.y.extent[0]),
        (wy1 - y1, y1 - y0, wy1 < grid.y.extent[1]),
    ):
        depth_px = min(depth_px, gap)
        cut |= goes_on and gap < CUT_WITHIN_PX + CUT_WITHIN_SHARE * extent
    return cut, depth_px
