"""Calibration of confidence: a confidence of 0.8 should mean that 80 % of such detections are right."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEWTON_STEPS = 50
RIDGE = 1e-3
"""Pulls weakly towards no change, so that a handful of detections cannot give an absurd curve."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """confidence = sigmoid(gain · logit(score) + shift); it never changes the order of detections."""

    gain: float = 1.0
    shift: float = 0.0

    def after(self, earlier: "Calibration") -> "Calibration":
        """Return the one calibration that does what `earlier` and then this one do."""
        return Calibration(self.gain * earlier.gain, self.gain * earlier.shift + self.shift)

    def apply(self, scores: Floats) -> Floats:
        """Return the confidence of raw scores (K,) in (0, 1)."""
        return np.asarray(1 / (1 + np.exp(-(self.gain * logit(scores) + self.shift))))


def fit_calibration(sources: Sequence[tuple[Floats, NDArray[np.bool_], int]]) -> Calibration:
    """Fit by maximum likelihood on (scores, hits, number of labels) of each source.

    Every source weighs as if it had the same number of labels. Raises ValueError where there are no detections, or all
    are right or all wrong.
    """
    filled = [(scores, hits, labels) for scores, hits, labels in sources if len(scores) and labels]
    hits = np.concatenate([hits for _, hits, _ in filled]).astype(np.float64) if filled else np.zeros(0)
    if not len(hits) or hits.min() == hits.max():
        raise ValueError("calibration needs right and wrong detections")
    features = np.column_stack([logit(np.concatenate([scores for scores, _, _ in filled])), np.ones(len(hits))])
    weights = np.concatenate([np.full(len(scores), 1 / labels) for scores, _, labels in filled])
    weights *= len(hits) / weights.sum()
    start = np.array([1.0, 0.0])
    values = start.copy()
    for _ in range(NEWTON_STEPS):
        predicted = 1 / (1 + np.exp(-features @ values))
        slope = features.T @ (weights * (predicted - hits)) + RIDGE * (values - start)
        curvature = (features.T * (weights * predicted * (1 - predicted))) @ features + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, slope)
        values -= np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(float(values[0]), float(values[1]))


def logit(scores: Floats) -> Floats:
    """Return log(p / (1 - p)), finite at 0 and 1."""
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))
