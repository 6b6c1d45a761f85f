"""Choose windows worth looking at, and draw what was found against what is labelled."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.evaluation import match, measure_at, polygon_iou_matrix
from processing.training.measuring import MeasuredWindow
from processing.training.window_polygons import window_polygons

RIGHT, WRONG, MISSED, LABEL = (52, 211, 153), (251, 86, 7), (255, 214, 10), (255, 255, 255)
"""RGB. They differ in lightness, too, so that they can be told apart without seeing red and green."""
SIDE_PX = 1024
ENLARGED_MOST = 6.0
QUALITY = 82
LABELS_MIN = 3
"""A window with fewer buildings says little."""
SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class Chosen:
    """A window and why it is shown. right, found, labels: numbers of buildings at the threshold."""

    kind: str
    window: MeasuredWindow
    f1: float
    right: int
    found: int
    labels: int


def choose_windows(windows: Sequence[MeasuredWindow], threshold: float, count: int = 3) -> list[Chosen]:
    """Return the best, the worst and the most usual windows of a source by F1, each window once."""
    judged = [_judge(window, threshold) for window in windows if window.result.iou.shape[1] >= LABELS_MIN]
    judged.sort(key=lambda entry: (-entry.f1, entry.window.name))
    count = min(count, len(judged) // 3) or min(1, len(judged))
    middle = max(count, (len(judged) - count) // 2)
    groups = {
        "best": judged[:count],
        "typical": judged[middle : middle + count] if len(judged) > count else [],
        "worst": judged[-count:] if len(judged) > 2 * count else [],
    }
    return [
        Chosen(kind, entry.window, entry.f1, entry.right, entry.found, entry.labels)
        for kind, group in groups.items()
        for entry in group
    ]


def draw_window(window: MeasuredWindow, threshold: float) -> tuple[bytes, tuple[int, int]]:
    """Return the part of the window that has imagery as WebP, enlarged, found outlines over labels; and its size."""
    width, height = window.imaged_px
    scale = min(SIDE_PX / max(width, height), ENLARGED_MOST)
    bgr = np.asarray(cv2.imdecode(np.frombuffer(window.picture, np.uint8), cv2.IMREAD_COLOR))[:height, :width]
    size = (round(width * scale), round(height * scale))
    canvas = np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    kept = window.result.scores >= threshold
    shapes, owners = window_polygons(window.boxes[kept], window.masks[kept], window.side_px)
    scores = window.result.scores[kept][owners]
    iou = polygon_iou_matrix(shapes, window.polygons)
    right = match(scores, iou, 0.5)
    seen = iou[right].max(axis=0, initial=0) >= 0.5 if iou.size else np.zeros(len(window.polygons), dtype=bool)
    for label, was_seen in zip(window.polygons, seen, strict=True):
        _outline(canvas, _scaled(label, scale), LABEL if was_seen else MISSED, 1 if was_seen else 3)
    for shape, is_right in zip(shapes, right, strict=True):
        _outline(canvas, _scaled(shape, scale), RIGHT if is_right else WRONG, 3)
    return bytes(cv2.imencode(".webp", canvas, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1]), size


def _judge(window: MeasuredWindow, threshold: float) -> Chosen:
    at = measure_at([window.result], threshold)
    found, labels = int((window.result.scores >= threshold).sum()), window.result.iou.shape[1]
    return Chosen("", window, at.f1, round(at.recall * labels), found, labels)


def _scaled(shape: BaseGeometry, scale: float) -> BaseGeometry:
    return shapely.transform(shape, lambda points: points * scale)


def _outline(canvas: NDArray[np.uint8], shape: BaseGeometry, colour: tuple[int, int, int], width: int) -> None:
    rings = [
        np.rint(np.asarray(ring.coords) * 2**SUBPIXEL_BITS).astype(np.int32)
        for polygon in shapely.get_parts([shape])
        if polygon.geom_type == "Polygon"
        for ring in (polygon.exterior, *polygon.interiors)
    ]
    cv2.polylines(canvas, rings, True, colour[::-1], width, cv2.LINE_AA, SUBPIXEL_BITS)
