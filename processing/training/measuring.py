"""Run a detector over labelled windows and keep what measures, calibration and pictures need."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.detector.pasting import INSIDE, paste
from processing.detector.protocol import Detector
from processing.evaluation import PictureResult, count_areas, mask_iou_matrix
from processing.training.labelled_windows import LabelledWindow

IGNORED_SHARE = 0.5
FOUND_IOU = 0.5
PICTURE_QUALITY = 90


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """One window. boxes: (K, 4) px; masks: (K, M, M) uint8 in 255ths; both of the detections in `result`."""

    image: str
    name: str
    side_px: int
    imaged_px: tuple[int, int]
    """Width and height of the part from the upper left on that has imagery."""
    result: PictureResult
    boxes: NDArray[np.float32]
    masks: NDArray[np.uint8]
    labelled: NDArray[np.uint8]
    """Where any label lies, 8 pixels to a byte."""
    polygons: tuple[BaseGeometry, ...]
    picture: bytes = b""
    """The window as JPEG, where pictures are wanted."""

    def with_scores(self, scores: NDArray[np.float64]) -> "MeasuredWindow":
        """Return the same detections with other scores (K,)."""
        flat = np.unpackbits(self.labelled, count=self.side_px**2).astype(bool)
        labelled = flat.reshape(1, self.side_px, self.side_px)
        areas = count_areas(scores, paste_all(self.boxes, self.masks, self.side_px), labelled)
        return replace(self, result=PictureResult(scores, self.result.iou, areas))


def measure_windows(
    detector: Detector, windows: Iterable[LabelledWindow], *, keep_pictures: bool = False
) -> Iterator[MeasuredWindow]:
    """Run the detector over windows and compare masks; unfit detections where labels are ignored do not count."""
    for window in windows:
        found = detector.detect(window.picture[None])[0]
        side = window.picture.shape[0]
        small = np.rint(found.masks * 255).astype(np.uint8)
        masks, labels = paste_all(found.boxes, small, side), window.masks.astype(bool)
        iou = mask_iou_matrix(masks, labels)
        unfit = iou.max(axis=1, initial=0) < FOUND_IOU
        kept = ~(unfit & (_share_ignored(found.boxes, window.ignored) > IGNORED_SHARE))
        scores = found.scores.astype(np.float64)[kept]
        areas = count_areas(scores, masks[kept], labels)
        yield MeasuredWindow(
            image=window.image,
            name=window.name,
            side_px=side,
            imaged_px=_imaged(window.picture),
            result=PictureResult(scores, iou[kept], areas),
            boxes=found.boxes[kept],
            masks=small[kept],
            labelled=np.packbits(labels.any(axis=0)),
            polygons=window.polygons,
            picture=_jpeg(window.picture) if keep_pictures else b"",
        )


def paste_all(boxes: NDArray[np.float32], masks: NDArray[np.uint8], side_px: int) -> NDArray[np.bool_]:
    """Return (K, side, side) bool masks of the detections of one window, as the pipeline pastes them.

    boxes: (K, 4) px. masks: (K, M, M) uint8, probability in 255ths over the box.
    """
    result = np.zeros((len(boxes), side_px, side_px), dtype=bool)
    for index, (box, mask) in enumerate(zip(boxes, masks, strict=True)):
        pasted = paste(box, mask, side_px)
        if pasted is not None:
            left, top, values = pasted
            result[index, top : top + values.shape[0], left : left + values.shape[1]] = values >= INSIDE
    return result


def _imaged(picture: NDArray[np.uint8]) -> tuple[int, int]:
    columns, rows = np.flatnonzero(picture.any(axis=(0, 2))), np.flatnonzero(picture.any(axis=(1, 2)))
    return (int(columns[-1]) + 1, int(rows[-1]) + 1) if len(rows) else picture.shape[1::-1]


def _share_ignored(boxes: NDArray[np.float32], ignored: NDArray[np.float32]) -> NDArray[np.float64]:
    if not len(ignored) or not len(boxes):
        return np.zeros(len(boxes))
    sides = np.minimum(boxes[:, None, 2:], ignored[None, :, 2:]) - np.maximum(boxes[:, None, :2], ignored[None, :, :2])
    common = np.clip(sides, 0, None).prod(axis=2).max(axis=1)
    shares: NDArray[np.float64] = common / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-3)
    return shares


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, PICTURE_QUALITY])[1])
