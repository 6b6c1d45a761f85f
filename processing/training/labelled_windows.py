"""Validation images cut into detector windows at the working ground sampling distance."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from processing.training.coco_source import read_coco
from processing.training.crops import label_crop
from processing.training.image_cache import pool, read_rgb


@dataclass(frozen=True, slots=True)
class LabelledWindow:
    """picture: (S, S, 3) uint8 RGB, 0 outside the image. masks: (G, S, S) uint8. ignored: (J, 4) px."""

    name: str
    picture: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    ignored: NDArray[np.float32]


def whole_factor(gsd_m: float, working_m: float) -> tuple[int, int]:
    """Return (pooling, enlarging), one of them 1: the whole factor nearest to the working distance in log scale."""
    if gsd_m >= working_m:
        return 1, _nearest_factor(gsd_m / working_m)
    return _nearest_factor(working_m / gsd_m), 1


def read_windows(folder: Path, gsd_m: float, working_m: float, window_px: int) -> Iterator[LabelledWindow]:
    """Yield the windows of a COCO folder, side by side without overlap; a strip too narrow for a window is left out.

    gsd_m is used for images that carry no ground sampling distance. Images smaller than a window are padded with 0.
    """
    for image in read_coco(folder):
        pooling, enlarging = whole_factor(image.gsd_m or gsd_m, working_m)
        picture = read_rgb(image.path)
        scale = enlarging / pooling
        picture = pool(picture, pooling) if pooling > 1 else picture
        step = window_px // enlarging
        for top in _starts(picture.shape[0], step):
            for left in _starts(picture.shape[1], step):
                part = picture[top : top + step, left : left + step]
                window = np.zeros((window_px, window_px, 3), np.uint8)
                size = (part.shape[1] * enlarging, part.shape[0] * enlarging)
                window[: size[1], : size[0]] = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
                origin = np.array([-left, -top], dtype=np.float64) * enlarging
                to_window = np.column_stack([np.eye(2) * scale, origin])
                _, masks, ignored = label_crop(image.outlines, to_window, window.any(axis=2))
                yield LabelledWindow(f"{image.path.stem}_{top}_{left}", window, masks, ignored)


def _nearest_factor(ratio: float) -> int:
    lower = max(1, int(ratio))
    return lower if ratio / lower <= (lower + 1) / ratio else lower + 1


def _starts(length: int, step: int) -> range:
    return range(0, max(1, length - step // 2), step)
