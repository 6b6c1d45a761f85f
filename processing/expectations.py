"""What a confidence is worth: expected precision and recall at a threshold, and the reliability curve.

Every source counts as if it had the same number of labelled buildings, so that the largest does not decide alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.evaluation import CALIBRATION_BINS, PictureResult, match
from processing.intervals import draw_pictures, percentiles

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Source:
    """The results of one source; pictures: (N,) number from 0 on of the picture that each result belongs to."""

    results: Sequence[PictureResult]
    pictures: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What share of the footprints at or above a threshold is right, and what share of all buildings is found.

    Each with a 95 % interval by bootstrap over pictures. precision is None where nothing reaches the threshold.
    """

    threshold: float
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    recall: float
    recall_low: float
    recall_high: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Detections of similar confidence: their mean, the share that was right, how many there were."""

    confidence: float
    right: float
    count: int


def kept_threshold(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the threshold of the rows (as plain values) whose F2 is best, or None without rows.

    F2 weighs recall twice: the map hides what is kept and unsure with one slider, but cannot show what was thrown away.
    """
    known = [row for row in rows if row["precision"] is not None]
    return float(max(known, key=_f2)["threshold"]) if known else None


def _f2(row: Mapping[str, Any]) -> float:
    precision, recall = float(row["precision"]), float(row["recall"])
    return 5 * precision * recall / max(4 * precision + recall, 1e-9)


def expectations(sources: Sequence[Source], thresholds: Sequence[float] = THRESHOLDS) -> list[Expectation]:
    """Return one row for each threshold, at IoU 0.5; sources without labels are left out."""
    counted = [counts for source in sources if (counts := _counts(source, thresholds))[2].sum() > 0]
    if not counted:
        return []
    once = _shares([(np.ones((1, len(labels))), right, found, labels) for right, found, labels in counted])
    drawn = _shares([(draw_pictures(len(labels)), right, found, labels) for right, found, labels in counted])
    return [
        _row(threshold, (once[0][0, at], once[1][0, at]), (drawn[0][:, at], drawn[1][:, at]))
        for at, threshold in enumerate(thresholds)
    ]


def reliability(sources: Sequence[Source]) -> list[ReliabilityBin]:
    """Return the filled tenths of the confidence, from low to high."""
    scores, hits, weights = _pool(sources)
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        ReliabilityBin(
            confidence=float(np.average(scores[inside], weights=weights[inside])),
            right=float(np.average(hits[inside], weights=weights[inside])),
            count=int(inside.sum()),
        )
        for index in np.unique(bins)
        if (inside := bins == index).any()
    ]


def _pool(sources: Sequence[Source]) -> tuple[Floats, NDArray[np.bool_], Floats]:
    scores, hits, weights = [np.zeros(0)], [np.zeros(0, dtype=bool)], [np.zeros(0)]
    for source in sources:
        labels = sum(result.iou.shape[1] for result in source.results)
        for result in source.results if labels else ():
            scores.append(result.scores)
            hits.append(match(result.scores, result.iou, 0.5))
            weights.append(np.full(len(result.scores), 1 / labels))
    return np.concatenate(scores), np.concatenate(hits), np.concatenate(weights)


def _counts(source: Source, thresholds: Sequence[float]) -> tuple[Floats, Floats, Floats]:
    """Return right (P, T) and found (P, T) detections and labels (P,) of each picture."""
    count = int(source.pictures.max(initial=-1)) + 1
    right, found = np.zeros((count, len(thresholds))), np.zeros((count, len(thresholds)))
    labels = np.zeros(count)
    for result, picture in zip(source.results, source.pictures, strict=True):
        kept = result.scores[:, None] >= np.array(thresholds)
        found[picture] += kept.sum(axis=0)
        right[picture] += kept[match(result.scores, result.iou, 0.5)].sum(axis=0)
        labels[picture] += result.iou.shape[1]
    return right, found, labels


def _shares(sources: Sequence[tuple[Floats, Floats, Floats, Floats]]) -> tuple[Floats, Floats]:
    """Return precision and recall (R, T) from draws (R, P) and counts of each source."""
    rights, founds = [], []
    with np.errstate(divide="ignore", invalid="ignore"):
        for draws, right, found, labels in sources:
            total = (draws @ labels)[:, None]
            rights.append(draws @ right / total)
            founds.append(draws @ found / total)
        precision = np.nansum(rights, axis=0) / np.nansum(founds, axis=0)
    return precision, np.asarray(np.nanmean(rights, axis=0))


def _row(threshold: float, values: tuple[float, float], drawn: tuple[Floats, Floats]) -> Expectation:
    precision, recall = values
    low, high = percentiles(drawn[0])
    recall_low, recall_high = percentiles(drawn[1])
    known = bool(np.isfinite(precision))
    return Expectation(
        threshold=threshold,
        precision=float(precision) if known else None,
        precision_low=low if known else None,
        precision_high=high if known else None,
        recall=float(recall),
        recall_low=recall_low,
        recall_high=recall_high,
    )
