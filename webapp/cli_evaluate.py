"""`evaluate`: measure weights on labelled pictures."""

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from processing.detector.registry import load_detector
from processing.errors import OutputNotWritable, ProcessingError
from processing.params import DEVICES
from processing.training.evaluate import LabelledData, measure_sources, measuring_of, require_folder, write_json
from processing.training.evaluation_page import write_page
from processing.training.report import build_report, table

TOLD_EVERY = 10


def add_evaluate(subparsers: Any) -> None:
    """Add the verb and its options."""
    parser = subparsers.add_parser("evaluate", help="measure weights on labelled pictures (COCO folders)")
    parser.add_argument("--weights", default="default", metavar="NAME", help="installed weights, a+b, or an .onnx file")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a COCO folder, or a folder of these")
    parser.add_argument("--sources", nargs="+", default=[], metavar="NAME", help="some of the folders; all by default")
    parser.add_argument("--gsd", type=float, metavar="M", help="metres a pixel, for images that do not tell")
    parser.add_argument("--threshold", type=float, metavar="0..1", help="confidence; that of the best F1 by default")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each n-th window only, for a quick look")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all measures here")
    parser.add_argument("--page", type=Path, metavar="DIR", help="write a page of pictures here (index.html)")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.set_defaults(run=run_evaluate)


def run_evaluate(args: argparse.Namespace) -> int:
    """Do it; return the exit code."""
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        sys.stdout.write(_evaluate(args, errors) + "\n")
    except ProcessingError as error:
        errors.print(f"{error.code}: {error}", markup=False)
        return 1
    return 0


def _evaluate(args: argparse.Namespace, errors: Console) -> str:
    data = LabelledData(args.data, tuple(args.sources), args.gsd, args.every)
    data.names()
    _check_outputs(args)
    detector = load_detector(args.weights, args.device)

    def tell(name: str, done: int) -> None:
        if done % TOLD_EVERY == 0:
            errors.print(f"{name}: {done} windows", end="\r")

    measured = measure_sources(detector, data, keep_pictures=args.page is not None, on_window=tell)
    report = build_report(measuring_of(detector, data, args.threshold), measured)
    if args.json:
        write_json(args.json, report)
    if args.page:
        write_page(args.page, report, measured)
    return table(report)


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuse what could not be written, before minutes of work."""
    try:
        if args.page:
            args.page.mkdir(parents=True, exist_ok=True)
        if args.json:
            require_folder(args.json)
    except OSError as error:
        raise OutputNotWritable(name=str(args.page), detail=str(error.strerror).lower()) from error
