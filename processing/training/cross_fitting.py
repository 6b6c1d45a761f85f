"""Calibrate on some pictures and measure on others: two halves, each judged by what was fitted on the other half."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from processing.evaluation import pooled_hits
from processing.training.calibration import Calibration, fit_calibration
from processing.training.measuring import MeasuredWindow

Measured = Mapping[str, Sequence[MeasuredWindow]]
"""The windows of each source."""


@dataclass(frozen=True)
class CrossFit:
    """calibration: fitted on everything, the one to ship. windows: with the confidence of the other half's fit."""

    calibration: Calibration
    windows: dict[str, list[MeasuredWindow]]
    is_held_out: bool
    """False where there were too few pictures to hold any out: then the figures flatter."""


def cross_fit(measured: Measured) -> CrossFit:
    """Fit the calibration, and give every window the confidence of a fit that did not see its picture.

    The halves are every second picture of each source, by name. Raises ValueError where there is nothing to learn from.
    """
    whole = fit(measured)
    halves = {name: _half_of(windows) for name, windows in measured.items()}
    try:
        fits = [fit(_only(measured, halves, 1 - half)) for half in (0, 1)]
    except ValueError:
        fits = [whole, whole]
    is_held_out = fits[0] is not whole
    windows = {
        name: [window.with_scores(fits[halves[name][window.image]].apply(window.result.scores)) for window in of_source]
        for name, of_source in measured.items()
    }
    return CrossFit(whole, windows, is_held_out)


def fit(measured: Measured) -> Calibration:
    """Fit on all windows. Raises ValueError where there is nothing to learn from."""
    pooled = [pooled_hits([window.result for window in windows], 0.5) for windows in measured.values()]
    return fit_calibration(pooled)


def _half_of(windows: Sequence[MeasuredWindow]) -> dict[str, int]:
    return {image: number % 2 for number, image in enumerate(sorted({window.image for window in windows}))}


def _only(measured: Measured, halves: Mapping[str, Mapping[str, int]], half: int) -> Measured:
    return {
        name: [window for window in windows if halves[name][window.image] == half] for name, windows in measured.items()
    }
