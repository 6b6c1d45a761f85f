"""Measure weights on labelled sources: `python -m processing.training.evaluate --weights FILE --data DIR`."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.detector.onnx_engine import OnnxDetector
from processing.detector.pasting import INSIDE, paste
from processing.detector.protocol import Detector, DetectorCard, RawDetections
from processing.evaluation import (
    PictureResult,
    best_threshold,
    count_areas,
    mask_iou_matrix,
    measure,
    measure_at,
    pooled_hits,
    reliability_curve,
)
from processing.training.calibration import fit_calibration
from processing.training.labelled_windows import LabelledWindow, read_windows

DEFAULT_GSD_M = 0.5
"""For sources that tell no ground sampling distance."""
IGNORED_SHARE = 0.5
HEADER = f"{'source':<18}{'labels':>8}{'AP50':>8}{'AP50:95':>9}{'P':>7}{'R':>7}{'F1':>7}{'pixel IoU':>11}{'ECE':>7}"


def evaluate_windows(detector: Detector, windows: Iterable[LabelledWindow]) -> list[PictureResult]:
    """Run the detector over windows and compare masks; unfit detections where labels are ignored do not count."""
    results = []
    for window in windows:
        found = detector.detect(window.picture[None])[0]
        scores = found.scores.astype(np.float64)
        masks, labels = paste_all(found, window.picture.shape[0]), window.masks.astype(bool)
        iou = mask_iou_matrix(masks, labels)
        unfit = iou.max(axis=1, initial=0) < 0.5
        kept = ~(unfit & (_share_ignored(found.boxes, window.ignored) > IGNORED_SHARE))
        areas = count_areas(scores[kept], masks[kept], labels)
        results.append(PictureResult(scores[kept], iou[kept], areas))
    return results


def paste_all(found: RawDetections, side_px: int) -> NDArray[np.bool_]:
    """Return (K, side, side) bool masks of the detections of one window, as the pipeline pastes them."""
    result = np.zeros((len(found.scores), side_px, side_px), dtype=bool)
    for index, (box, mask) in enumerate(zip(found.boxes, found.masks, strict=True)):
        pasted = paste(box, np.round(mask * 255).astype(np.uint8), side_px)
        if pasted is not None:
            left, top, values = pasted
            result[index, top : top + values.shape[0], left : left + values.shape[1]] = values >= INSIDE
    return result


def table_row(name: str, measures: dict[str, Any]) -> str:
    """Return one line under `HEADER`; measures are those of `Measures`, as plain values."""
    at = measures["at_threshold"]
    return (
        f"{name:<18}{measures['labels']:>8}{measures['ap50']:>8.3f}{measures['ap50_95']:>9.3f}{at['precision']:>7.3f}"
        f"{at['recall']:>7.3f}{at['f1']:>7.3f}{measures['pixel_iou']:>11.3f}{measures['calibration_error']:>7.3f}"
    )


def _share_ignored(boxes: NDArray[np.float32], ignored: NDArray[np.float32]) -> NDArray[np.float64]:
    if not len(ignored) or not len(boxes):
        return np.zeros(len(boxes))
    sides = np.minimum(boxes[:, None, 2:], ignored[None, :, 2:]) - np.maximum(boxes[:, None, :2], ignored[None, :, :2])
    common = np.clip(sides, 0, None).prod(axis=2).max(axis=1)
    shares: NDArray[np.float64] = common / np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-3)
    return shares


def evaluate(weights: Path, data: Path, sources: list[str], threshold: float | None, every: int = 1) -> dict[str, Any]:
    """Return the measures of each source of `data` as plain JSON values, with the threshold that was used.

    Without a threshold, the one with the best F1, averaged over the sources, is taken. every: take each n-th window.
    """
    detector = OnnxDetector(weights, "cpu")
    card = detector.card
    results = {
        name: evaluate_windows(detector, islice(_windows(data / name, card), None, None, every)) for name in sources
    }
    if threshold is None:
        threshold = best_mean_threshold(list(results.values()))
    everything = [result for of_source in results.values() for result in of_source]
    return {
        "weights_sha256": card.weights_sha256,
        "threshold": threshold,
        "every_nth_window": every,
        "sources": {name: asdict(measure(of_source, threshold)) for name, of_source in results.items()},
        "overall": asdict(measure(everything, threshold)),
        "best_threshold": {name: asdict(best_threshold(of_source)) for name, of_source in results.items()},
        "reliability": reliability_curve(everything),
        "calibration": _calibration_of(list(results.values())),
    }


def _calibration_of(sources: list[list[PictureResult]]) -> dict[str, float] | None:
    """Return what to export the same weights with; None where there is nothing to learn from."""
    try:
        return asdict(fit_calibration([pooled_hits(source, 0.5)[:2] for source in sources]))
    except ValueError:
        return None


def _windows(folder: Path, card: DetectorCard) -> Iterator[LabelledWindow]:
    return read_windows(folder, DEFAULT_GSD_M, card.gsd_working_m, card.window_px)


def best_mean_threshold(sources: list[list[PictureResult]]) -> float:
    """Return the threshold, in steps of 0.01, whose F1 averaged over the sources is best."""
    thresholds = [step / 100 for step in range(5, 100)]
    return max(thresholds, key=lambda choice: sum(measure_at(source, choice).f1 for source in sources))


def main() -> None:
    """Print a table and, if asked, write the measures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder with one COCO folder for each source")
    parser.add_argument("--sources", nargs="+", help="names of the folders; all by default")
    parser.add_argument("--threshold", type=float)
    parser.add_argument("--json", type=Path, help="write all measures here")
    parser.add_argument("--every", type=int, default=1, help="take each n-th window only, for a quick look")
    arguments = parser.parse_args()
    sources = arguments.sources or sorted(path.name for path in arguments.data.iterdir() if path.is_dir())
    report = evaluate(arguments.weights, arguments.data, sources, arguments.threshold, arguments.every)
    rows = [table_row(name, values) for name, values in [*report["sources"].items(), ("overall", report["overall"])]]
    sys.stdout.write("\n".join([f"threshold {report['threshold']:.2f}", HEADER, *rows]) + "\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
