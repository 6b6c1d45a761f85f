"""Measures of found buildings against labelled ones. Pure numpy and shapely.

A picture's detections and labels meet only through their IoU matrix, so masks in the pixel plane and polygons on the
ground are measured alike. Matching and average precision follow the COCO rules (101 recall levels, greedy by score).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

IOU_LEVELS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
RECALL_LEVELS = np.linspace(0.0, 1.0, 101)
CALIBRATION_BINS = 10
SCORE_STEPS = 100

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AreaCounts:
    """Pixels (or m²) of one picture by the best score that covers them, in 100 steps of 0.01.

    found: (100,) covered by a detection. common: (100,) of these, covered by a label too. labelled: by any label.
    """

    found: Floats
    common: Floats
    labelled: float


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One picture: scores (K,) in [0, 1], iou (K, G) of detections against labels, and area counts if measured."""

    scores: Floats
    iou: Floats
    areas: AreaCounts | None = None


@dataclass(frozen=True, slots=True)
class ThresholdMeasures:
    """Precision, recall and F1 of the detections at or above `threshold`."""

    threshold: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Measures:
    """All measures of a set of pictures."""

    labels: int
    ap50: float
    ap50_95: float
    at_threshold: ThresholdMeasures
    pixel_iou: float
    calibration_error: float


def mask_iou_matrix(found: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> Floats:
    """Return (K, G) IoU of masks (K, H, W) against masks (G, H, W). Only pairs whose boxes meet are counted."""
    result = np.zeros((len(found), len(labelled)))
    if not result.size:
        return result
    first, second = _boxes(found), _boxes(labelled)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    first_areas, second_areas = found.sum(axis=(1, 2)), labelled.sum(axis=(1, 2))
    for row, column in zip(*np.nonzero((low < high).all(axis=2)), strict=True):
        (top, left), (bottom, right) = low[row, column], high[row, column]
        common = np.count_nonzero(found[row, top:bottom, left:right] & labelled[column, top:bottom, left:right])
        result[row, column] = common / (first_areas[row] + second_areas[column] - common)
    return result


def _boxes(masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return (N, 4) first row, first column, one past the last row and column; all 0 for an empty mask."""
    spans = []
    for axis in (2, 1):
        used = masks.any(axis=axis)
        last = used.shape[1] - np.argmax(used[:, ::-1], axis=1)
        spans.append((np.argmax(used, axis=1), np.where(used.any(axis=1), last, 0)))
    (top, bottom), (left, right) = spans
    return np.column_stack([top, left, bottom, right]).astype(np.int64)


def count_areas(scores: Floats, found: NDArray[np.bool_], labelled: NDArray[np.bool_]) -> AreaCounts:
    """Count pixels of masks (K, H, W) with scores (K,) against masks (G, H, W), for `pixel_iou`."""
    best = np.zeros(labelled.shape[1:])
    for index in np.argsort(scores, kind="stable"):
        best[found[index]] = scores[index]
    wanted = labelled.any(axis=0)
    steps = np.minimum((best * SCORE_STEPS + 1e-9).astype(int), SCORE_STEPS - 1)
    covered = best > 0
    return AreaCounts(
        np.bincount(steps[covered], minlength=SCORE_STEPS).astype(np.float64),
        np.bincount(steps[covered & wanted], minlength=SCORE_STEPS).astype(np.float64),
        float(wanted.sum()),
    )


def polygon_iou_matrix(found: Sequence[shapely.Geometry], labelled: Sequence[shapely.Geometry]) -> Floats:
    """Return (K, G) IoU of valid polygons in one projected plane; pairs that do not meet cost nothing."""
    result = np.zeros((len(found), len(labelled)))
    if not len(found) or not len(labelled):
        return result
    first, second = np.asarray(found, dtype=object), np.asarray(labelled, dtype=object)
    rows, columns = shapely.STRtree(second).query(first, predicate="intersects")
    common = shapely.area(shapely.intersection(first[rows], second[columns]))
    union = shapely.area(first[rows]) + shapely.area(second[columns]) - common
    result[rows, columns] = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    return result


def match(scores: Floats, iou: Floats, level: float) -> NDArray[np.bool_]:
    """Return (K,) whether each detection finds a label: by falling score, each takes the best label still free."""
    hits = np.zeros(len(scores), dtype=bool)
    if iou.size == 0:
        return hits
    free = np.ones(iou.shape[1], dtype=bool)
    for index in np.argsort(-scores, kind="stable"):
        candidates = np.where(free, iou[index], -1.0)
        best = int(np.argmax(candidates))
        if candidates[best] >= level:
            hits[index], free[best] = True, False
    return hits


def average_precision(results: Sequence[PictureResult], level: float) -> float:
    """Return the average precision at one IoU level, over 101 recall levels; NaN where nothing is labelled."""
    scores, hits, labels = pooled_hits(results, level)
    if labels == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    true = np.cumsum(hits[order])
    recall = true / labels
    precision = true / np.arange(1, len(true) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALL_LEVELS, side="left")
    reached = np.append(envelope, 0.0)[np.minimum(places, len(envelope))]
    return float(reached.mean())


def measure_at(results: Sequence[PictureResult], threshold: float, level: float = 0.5) -> ThresholdMeasures:
    """Return precision, recall and F1 of detections at or above the threshold, at one IoU level."""
    scores, hits, labels = pooled_hits(results, level)
    kept = scores >= threshold
    true, found = int(hits[kept].sum()), int(kept.sum())
    precision = true / found if found else 0.0
    recall = true / labels if labels else 0.0
    f1 = 2 * true / (found + labels) if found + labels else 0.0
    return ThresholdMeasures(threshold, precision, recall, f1)


def best_threshold(results: Sequence[PictureResult], level: float = 0.5) -> ThresholdMeasures:
    """Return the measures at the threshold, in steps of 0.01, with the best F1; the lowest of equals."""
    choices = [measure_at(results, step / 100, level) for step in range(5, 100)]
    return max(choices, key=lambda choice: choice.f1)


def calibration_error(results: Sequence[PictureResult], level: float = 0.5) -> float:
    """Return the expected calibration error: mean distance of score and share of hits, over ten bins of the score."""
    scores, hits, _ = pooled_hits(results, level)
    if len(scores) == 0:
        return float("nan")
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    error = 0.0
    for index in np.unique(bins):
        inside = bins == index
        error += inside.mean() * abs(scores[inside].mean() - hits[inside].mean())
    return float(error)


def reliability_curve(results: Sequence[PictureResult], level: float = 0.5) -> list[tuple[float, float, int]]:
    """Return (mean score, share of hits, count) of each filled bin of the score."""
    scores, hits, _ = pooled_hits(results, level)
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        (float(scores[bins == index].mean()), float(hits[bins == index].mean()), int((bins == index).sum()))
        for index in np.unique(bins)
    ]


def pixel_iou(results: Sequence[PictureResult], threshold: float) -> float:
    """Return the IoU, as areas, of all detections at or above the threshold with all labels.

    The threshold counts in whole steps of 0.01. NaN where no areas were measured.
    """
    counted = [result.areas for result in results if result.areas is not None]
    first = round(threshold * SCORE_STEPS)
    common = sum(float(areas.common[first:].sum()) for areas in counted)
    union = sum(float(areas.found[first:].sum()) + areas.labelled for areas in counted) - common
    return common / union if union else float("nan")


def measure(results: Sequence[PictureResult], threshold: float) -> Measures:
    """Return all measures of a set of pictures; precision, recall and F1 at the given threshold and IoU 0.5."""
    precisions = [average_precision(results, level) for level in IOU_LEVELS]
    return Measures(
        labels=sum(result.iou.shape[1] for result in results),
        ap50=precisions[0],
        ap50_95=float(np.mean(precisions)),
        at_threshold=measure_at(results, threshold),
        pixel_iou=pixel_iou(results, threshold),
        calibration_error=calibration_error(results),
    )


def pooled_hits(results: Sequence[PictureResult], level: float) -> tuple[Floats, NDArray[np.bool_], int]:
    """Return the scores of all pictures, whether each found a label at the IoU level, and the number of labels."""
    scores = np.concatenate([result.scores for result in results]) if results else np.zeros(0)
    matched = [match(result.scores, result.iou, level) for result in results]
    hits = np.concatenate(matched) if matched else np.zeros(0, dtype=bool)
    return scores, hits, sum(result.iou.shape[1] for result in results)
