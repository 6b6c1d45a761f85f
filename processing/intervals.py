"""How sure a measure is: Wilson's interval for shares, the bootstrap over pictures for everything else.

Pictures are drawn, not buildings or windows: what lies in one picture resembles each other, so drawing buildings would
give intervals that are too narrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from processing.evaluation import RECALL_LEVELS, SCORE_STEPS, PictureResult, match

NORMAL_95 = 1.959964
PERCENT_95 = (2.5, 97.5)
ROUNDS = 400
SEED = 7
CHUNK_VALUES = 4_000_000

Floats = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Intervals:
    """95 % intervals (low, high). precision and recall: Wilson; the others: bootstrap over pictures."""

    precision: Interval
    recall: Interval
    f1: Interval
    ap50: Interval
    pixel_iou: Interval
    pictures: int


def wilson(successes: int, total: int) -> Interval:
    """Return Wilson's 95 % score interval of a share; (0, 1) where nothing was counted.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if total == 0:
        return 0.0, 1.0
    share, squared = successes / total, NORMAL_95**2
    centre = (share + squared / (2 * total)) / (1 + squared / total)
    half = NORMAL_95 * sqrt(share * (1 - share) / total + squared / (4 * total**2)) / (1 + squared / total)
    return max(0.0, centre - half), min(1.0, centre + half)


def draw_pictures(count: int, rounds: int = ROUNDS) -> Floats:
    """Return (rounds, count): how often each picture is drawn in each round, with replacement."""
    rng = np.random.default_rng(SEED)
    return rng.multinomial(count, np.full(count, 1 / count), size=rounds).astype(np.float64)


def percentiles(values: Floats) -> Interval:
    """Return the 95 % interval of bootstrap values; NaN where there are none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.percentile(known, PERCENT_95)
    return float(low), float(high)


def picture_numbers(names: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of the picture that each window was cut from."""
    return np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)


def intervals(results: Sequence[PictureResult], pictures: NDArray[np.int64], threshold: float) -> Intervals:
    """Return the intervals of the measures at a threshold and IoU 0.5.

    pictures: (N,) numbers from 0 on, of the picture that each result (a window) belongs to.
    """
    count = int(pictures.max(initial=-1)) + 1
    hits = [match(result.scores, result.iou, 0.5) for result in results]
    counts = np.array([_counts(result, hit, threshold) for result, hit in zip(results, hits, strict=True)])
    per_picture = np.zeros((count, 5))
    np.add.at(per_picture, pictures, counts.reshape(-1, 5))
    right, found, labels = (int(value) for value in per_picture[:, :3].sum(axis=0))
    drawn = draw_pictures(count) if count else np.zeros((0, 0))
    totals = drawn @ per_picture
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = 2 * totals[:, 0] / (totals[:, 1] + totals[:, 2])
        pixel_iou = totals[:, 3] / totals[:, 4]
    return Intervals(
        precision=wilson(right, found),
        recall=wilson(right, labels),
        f1=percentiles(f1),
        ap50=percentiles(bootstrap_ap(results, hits, pictures, drawn)),
        pixel_iou=percentiles(pixel_iou),
        pictures=count,
    )


def bootstrap_ap(
    results: Sequence[PictureResult], hits: Sequence[NDArray[np.bool_]], pictures: NDArray[np.int64], drawn: Floats
) -> Floats:
    """Return (R,) the average precision of each round; drawn: (R, pictures). Drawing twice counts double."""
    if not results:
        return np.zeros(0)
    labels = np.zeros(drawn.shape[1])
    np.add.at(labels, pictures, [result.iou.shape[1] for result in results])
    scores = np.concatenate([result.scores for result in results])
    owners = np.repeat(pictures, [len(result.scores) for result in results])
    order = np.argsort(-scores, kind="stable")
    owners, right = owners[order], np.concatenate(list(hits))[order]
    step = max(1, CHUNK_VALUES // max(1, len(scores)))
    chunks = [_ap_of_rounds(drawn[first : first + step], owners, right, labels) for first in range(0, len(drawn), step)]
    return np.concatenate(chunks)


def _ap_of_rounds(drawn: Floats, owners: NDArray[np.int64], right: NDArray[np.bool_], labels: Floats) -> Floats:
    weights = drawn[:, owners]
    true = np.cumsum(weights * right, axis=1)
    found = np.cumsum(weights, axis=1)
    precision = np.divide(true, found, out=np.zeros_like(true), where=found > 0)
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    totals = drawn @ labels
    result = np.full(len(drawn), np.nan)
    for index in np.flatnonzero(totals > 0):
        places = np.searchsorted(true[index] / totals[index], RECALL_LEVELS, side="left")
        reached = np.append(envelope[index], 0.0)[np.minimum(places, len(owners))]
        result[index] = reached.mean()
    return result


def _counts(result: PictureResult, hits: NDArray[np.bool_], threshold: float) -> tuple[float, ...]:
    """Return right and found detections, labels, common and joint pixels."""
    kept = result.scores >= threshold
    common = union = 0.0
    if result.areas is not None:
        first = round(threshold * SCORE_STEPS)
        common = float(result.areas.common[first:].sum())
        union = float(result.areas.found[first:].sum()) + result.areas.labelled - common
    return float(hits[kept].sum()), float(kept.sum()), float(result.iou.shape[1]), common, union
