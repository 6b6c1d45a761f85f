"""The detections of one window as outlines, traced and squared as the pipeline does it."""

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.detector.pasting import paste
from processing.polygonize import outline_of
from processing.regularization.regularize import regularize
from processing.views import MaskShape


def window_polygons(
    boxes: NDArray[np.float32], masks: NDArray[np.uint8], side_px: int
) -> tuple[list[BaseGeometry], NDArray[np.int64]]:
    """Return the outlines in window pixels, and the index of the detection that each belongs to.

    boxes: (K, 4) px. masks: (K, M, M) uint8, probability in 255ths over the box.
    """
    traced, owners = [], []
    for index, (box, mask) in enumerate(zip(boxes, masks, strict=True)):
        pasted = paste(box, mask, side_px)
        if pasted is None:
            continue
        left, top, probability = pasted
        outline = outline_of(MaskShape(left - 1, top - 1, np.pad(probability, 1)))
        if outline is not None:
            traced.append(outline)
            owners.append(index)
    return [result.outline for result in regularize(traced, 1.0)], np.array(owners, dtype=np.int64)
