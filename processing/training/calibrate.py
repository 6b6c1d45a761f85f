"""Calibrate weights on labels that they were not trained on: writes the ONNX file and its card. Needs onnx.

From a checkpoint (`.pt`) the network is exported first, which needs torch.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from processing.detector.onnx_engine import OnnxDetector
from processing.errors import OutputNotWritable, ParameterInvalid, ProcessingError
from processing.training.cross_fitting import CrossFit, cross_fit
from processing.training.evaluate import LabelledData, measure_sources, measuring_of, require_folder, write_json
from processing.training.measuring import MeasuredWindow
from processing.training.model_card import build_card
from processing.training.onnx_calibration import calibrate_onnx
from processing.training.report import build_report, table

HELD_OUT = (
    "Every figure that depends on confidence was measured with a calibration fitted on other pictures: two halves "
    "(every second picture of each source), each judged by the fit on the other. The calibration in the file was "
    "fitted on both."
)
NOT_HELD_OUT = "There were too few pictures to hold any out: calibration and figures come from the same ones."
ALL_IN_ONE = "Each source counts as if it had the same number of labelled buildings."


@dataclass(frozen=True)
class Calibrated:
    """What a calibration came to."""

    card: dict[str, Any]
    report: dict[str, Any]
    measured: dict[str, list[MeasuredWindow]]


def calibrate(weights: Path, data: LabelledData, output: Path, known: dict[str, Any], notes: list[str]) -> Calibrated:
    """Measure `weights` (.onnx), write the calibrated ones to `output` and the card beside it.

    known: an earlier card, or what the training says. Raises `LabelsInvalid`, `WeightsInvalid`, `ParameterInvalid`.
    """
    detector = OnnxDetector(weights, "auto")
    measured = measure_sources(detector, data)
    try:
        fitted = cross_fit(measured)
    except ValueError as error:
        rule = "it must show buildings that the weights find, and others that they get wrong"
        raise ParameterInvalid(parameter="data", value=str(data.folder), rule=rule) from error
    report = build_report(measuring_of(detector, data), fitted.windows)
    calibrate_onnx(weights, output, fitted.calibration)
    card = build_card(output, _evaluation(report, fitted, output), known, notes)
    write_json(output.with_suffix(".json"), card)
    return Calibrated(card, report, fitted.windows)


def _evaluation(report: dict[str, Any], fitted: CrossFit, output: Path) -> dict[str, Any]:
    calibrated = OnnxDetector(output, "cpu").card
    return {
        **report,
        "weights_sha256": calibrated.weights_sha256,
        "calibration": {
            **asdict(fitted.calibration),
            "held_out": fitted.is_held_out,
            "description": f"{HELD_OUT if fitted.is_held_out else NOT_HELD_OUT} {ALL_IN_ONE}",
        },
    }


def known_of(source: Path) -> dict[str, Any]:
    """Return what is known of weights: the card beside an ONNX file."""
    beside = source.with_suffix(".json")
    if not beside.is_file():
        return {}
    try:
        values = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ParameterInvalid(parameter="card", value=str(beside), rule="it must be JSON") from error
    return values if isinstance(values, dict) else {}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run calibrate", description="Calibrate weights and write their card.")
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="a run's checkpoint.pt, or an .onnx file")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="COCO folders that were not trained on")
    parser.add_argument("--output", type=Path, required=True, metavar="NAME.onnx", help="the card lies beside it")
    parser.add_argument("--sources", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--gsd", type=float, metavar="M", help="metres a pixel, for images that do not tell")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each n-th window only, for a quick look")
    parser.add_argument("--name", help="name in the card (default: that of the output)")
    parser.add_argument("--version", default="1", help="of a checkpoint's export")
    parser.add_argument("--safetensors", action="store_true", help="write the same weights for the torch engine, too")
    parser.add_argument("--note", action="append", default=[], metavar="TEXT", help="a sentence for the card")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and calibrate; return the exit code."""
    args = _parser().parse_args(arguments)
    try:
        sys.stdout.write(_run(args) + "\n")
    except ProcessingError as error:
        sys.stderr.write(f"run: {error.code}: {error}\n")
        return 1
    return 0


def _run(args: argparse.Namespace) -> str:
    if args.output.suffix != ".onnx":
        raise OutputNotWritable(name=str(args.output), detail="its suffix must be .onnx")
    require_folder(args.output)
    data = LabelledData(args.data, tuple(args.sources), args.gsd, args.every)
    data.names()
    with tempfile.TemporaryDirectory() as folder:
        weights, known = args.weights, {}
        if weights.suffix == ".pt":
            from processing.training.publishing import export_checkpoint

            weights = Path(folder) / args.output.name
            known = export_checkpoint(args.weights, weights, args.name or args.output.stem, args.version)
        else:
            known = known_of(weights)
        done = calibrate(weights, data, args.output, known, args.note)
    if args.safetensors:
        from processing.detector.weights_file import save_beside_onnx

        save_beside_onnx(args.output)
    return f"{table(done.report)}\nwritten to {args.output} and {args.output.with_suffix('.json').name}"


if __name__ == "__main__":
    sys.exit(main())
