"""The measures of weights as plain JSON values, and as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import numpy as np

from processing.evaluation import PictureResult, best_threshold, measure, measure_at
from processing.expectations import Source, expectations, reliability
from processing.intervals import intervals, picture_numbers
from processing.polygon_measures import PolygonCounts, compare_polygons, sum_up
from processing.training.cross_fitting import Measured
from processing.training.measuring import MeasuredWindow
from processing.training.window_polygons import window_polygons

BAND_PX = 2.0
"""Width of the boundary in working pixels, whose size differs with the source."""
HEADER = (
    f"{'source':<18}{'labels':>7}{'AP50':>19}{'AP50:95':>9}{'precision':>19}{'recall':>19}{'F1':>19}{'pixel IoU':>19}"
    f"{'ECE':>7}"
)
POLYGON_HEADER = f"{'polygons':<18}{'matched':>8}{'IoU':>7}{'boundary IoU':>14}{'C-IoU':>7}{'N ratio':>9}"


@dataclass(frozen=True, slots=True)
class Measuring:
    """What was measured, and how."""

    weights_name: str
    weights_sha256: str
    every_nth_window: int = 1
    threshold: float | None = None
    """None: the one with the best F1, averaged over the sources."""


def build_report(measuring: Measuring, measured: Measured) -> dict[str, Any]:
    """Return all measures; NaN becomes None."""
    results = {name: [window.result for window in windows] for name, windows in measured.items()}
    threshold = measuring.threshold
    if threshold is None:
        threshold = best_mean_threshold(list(results.values()))
    everything = [window for windows in measured.values() for window in windows]
    sources = [_source(windows) for windows in measured.values()]
    report = {
        "weights": measuring.weights_name,
        "weights_sha256": measuring.weights_sha256,
        "threshold": threshold,
        "every_nth_window": measuring.every_nth_window,
        "boundary_width_px": BAND_PX,
        "sources": {name: _measures(windows, threshold) for name, windows in measured.items()},
        "overall": _measures(everything, threshold),
        "best_threshold": {name: asdict(best_threshold(of_source)) for name, of_source in results.items()},
        "reliability": [asdict(entry) for entry in reliability(sources)],
        "expected": [asdict(entry) for entry in expectations(sources)],
    }
    return _without_nan(report)  # type: ignore[no-any-return]


def best_mean_threshold(sources: Sequence[Sequence[PictureResult]]) -> float:
    """Return the threshold, in steps of 0.01, whose F1 averaged over the sources is best."""
    thresholds = [step / 100 for step in range(1, 100)]
    return max(thresholds, key=lambda choice: sum(measure_at(source, choice).f1 for source in sources))


def table(report: Mapping[str, Any]) -> str:
    """Return the measures as lines of text, with 95 % intervals."""
    named = [*report["sources"].items(), ("overall", report["overall"])]
    return "\n".join(
        [
            f"{report['weights']} at confidence {report['threshold']:.2f}; 95 % intervals",
            HEADER,
            *(_row(name, values) for name, values in named),
            "",
            POLYGON_HEADER,
            *(_polygon_row(name, values["polygons"]) for name, values in named),
        ]
    )


def _source(windows: Sequence[MeasuredWindow]) -> Source:
    numbers = picture_numbers([window.image for window in windows])
    return Source([window.result for window in windows], numbers)


def _measures(windows: Sequence[MeasuredWindow], threshold: float) -> dict[str, Any]:
    results = [window.result for window in windows]
    pictures = picture_numbers([window.image for window in windows])
    return {
        **asdict(measure(results, threshold)),
        "windows": len(windows),
        "intervals": asdict(intervals(results, pictures, threshold)),
        "polygons": asdict(sum_up([_polygon_counts(window, threshold) for window in windows])),
    }


def _polygon_counts(window: MeasuredWindow, threshold: float) -> PolygonCounts:
    kept = window.result.scores >= threshold
    shapes, owners = window_polygons(window.boxes[kept], window.masks[kept], window.side_px)
    return compare_polygons(shapes, window.polygons, window.result.scores[kept][owners], BAND_PX)


def _row(name: str, values: Mapping[str, Any]) -> str:
    at, wide = values["at_threshold"], values["intervals"]
    cells = [
        _cell(values["ap50"], wide["ap50"]),
        f"{_number(values['ap50_95']):>9}",
        _cell(at["precision"], wide["precision"]),
        _cell(at["recall"], wide["recall"]),
        _cell(at["f1"], wide["f1"]),
        _cell(values["pixel_iou"], wide["pixel_iou"]),
        f"{_number(values['calibration_error']):>7}",
    ]
    return f"{name:<18}{values['labels']:>7}" + "".join(cells)


def _polygon_row(name: str, values: Mapping[str, Any]) -> str:
    return (
        f"{name:<18}{values['matched']:>8}{_number(values['iou']):>7}{_number(values['boundary_iou']):>14}"
        f"{_number(values['c_iou']):>7}{_number(values['n_ratio']):>9}"
    )


def _cell(value: float | None, interval: Sequence[float | None]) -> str:
    low, high = interval
    span = "" if low is None or high is None else f" {_short(low)}–{_short(high)}"
    return f"{_number(value) + span:>19}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else "1.0"


def _without_nan(value: Any) -> Any:
    """Return the same values as JSON can hold them."""
    if isinstance(value, Mapping):
        return {key: _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    if isinstance(value, np.generic):
        return _without_nan(value.item())
    return None if isinstance(value, float) and not isfinite(value) else value
