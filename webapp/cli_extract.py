"""`extract`: footprints of one file, with no server and no database."""

import argparse
import json
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geopandas import GeoDataFrame
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from processing.detector.catalogue import SUFFIX, Catalogue, describe, member_names, recommended_confidence
from processing.detector.registry import load_detector
from processing.errors import AoiInvalid, OutputNotWritable, ProcessingError, WeightsInvalid
from processing.exports.formats import FORMATS, key_of_suffix
from processing.exports.writing import check_writable, write_file
from processing.params import DEVICES, ExtractionParams
from processing.pipeline import ExtractionPlan, extract, plan_extraction
from processing.raster_file import SceneBudget
from processing.regularization.parameters import FLAT_PREFIX, METHODS, RANGES, RegularizationParams
from processing.scene import inspect_scene

STOPPED_BY_USER = 130
SHORT_HASH = 12


def add_extract(subparsers: Any) -> None:
    """Add the verb and its options."""
    defaults = ExtractionParams()
    parser = subparsers.add_parser(
        "extract",
        help="write the building footprints of one GeoTIFF to a file; needs no server",
        description="Write the building footprints of one GeoTIFF (or local VRT) to a file.",
    )
    suffixes = " ".join(known.suffix for known in FORMATS.values())
    parser.add_argument("scene", type=Path, metavar="SCENE.tif", help="the georeferenced image")
    parser.add_argument("-o", "--output", type=Path, required=True, help=f"the suffix picks the format: {suffixes}")
    parser.add_argument(
        "--min-confidence", type=float, metavar="0..1", help="default: what the card of the weights recommends"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument(
        "--window-px",
        type=int,
        default=defaults.window_px,
        metavar="N",
        help="side of the block that is read at once; changes memory, never the result",
    )
    parser.add_argument("--gsd", type=float, metavar="M", help="ground size of a pixel in metres, if the file is wrong")
    parser.add_argument(
        "--weights", default=defaults.weights, metavar="NAME", help="name of weights, a+b, or an .onnx file"
    )
    parser.add_argument("--no-regularize", action="store_true", help="leave the outlines as they were seen")
    _add_regularization(parser)
    parser.add_argument("--aoi", type=Path, metavar="AREA.geojson", help="only buildings inside this area (EPSG:4326)")
    parser.set_defaults(run=run_extract)


def _add_regularization(parser: argparse.ArgumentParser) -> None:
    defaults = RegularizationParams()
    shapes = "the shapes to choose from for each outline"
    parser.add_argument("--regularization-method", choices=METHODS, default=defaults.method, help=shapes)
    for name, low, high in RANGES:
        option = f"--{FLAT_PREFIX}{name}".replace("_", "-")
        parser.add_argument(option, type=float, default=getattr(defaults, name), metavar=f"{low:g}..{high:g}")


def run_extract(args: argparse.Namespace) -> int:
    """Do it; return the exit code."""
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        summary = _extract(args, errors)
    except ProcessingError as error:
        errors.print(f"{error.code}: {error}", markup=False)
        return 1
    except KeyboardInterrupt:
        errors.print("Stopped. Nothing was written.")
        return STOPPED_BY_USER
    sys.stdout.write(summary + "\n")
    return 0


@dataclass
class _Tally:
    """Counts what passes on its way into the file."""

    started_s: float = field(default_factory=time.monotonic)
    buildings: int = 0
    area_m2: float = 0.0

    def count(self, frame: GeoDataFrame) -> GeoDataFrame:
        self.buildings += len(frame)
        self.area_m2 += float(frame["area_m2"].sum())
        return frame


def _extract(args: argparse.Namespace, errors: Console) -> str:
    params = ExtractionParams(
        min_confidence=_recommended(args.weights) if args.min_confidence is None else args.min_confidence,
        window_px=args.window_px,
        gsd_m=args.gsd,
        regularize=not args.no_regularize,
        regularization=RegularizationParams(
            method=args.regularization_method, **{name: getattr(args, FLAT_PREFIX + name) for name, _, _ in RANGES}
        ),
        weights=args.weights,
    )
    key_of_suffix(args.output.name)
    check_writable(args.output)
    if args.output.resolve() == args.scene.resolve():
        raise OutputNotWritable(name=str(args.output), detail="it is the scene itself")
    aoi = None if args.aoi is None else _read_geojson(args.aoi)
    info = inspect_scene(args.scene, name=args.scene.name, budget=SceneBudget(), allow_vrt=True)
    detector = load_detector(params.weights, args.device)
    plan = plan_extraction(info, detector.card, params, aoi)
    tally = _Tally()
    provenance = {
        "scene": info.name,
        "gsd_m": params.gsd_m or info.gsd_m,
        "weights": detector.card.name,
        "weights_sha256": detector.card.weights_sha256[:SHORT_HASH],
    }
    with _progress(errors) as progress:
        task = progress.add_task("extracting", total=plan.windows_total)

        def on_window(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        def frames() -> Iterator[GeoDataFrame]:
            for result in extract(args.scene, plan, detector, on_window=on_window):
                yield tally.count(result.footprints).assign(**provenance)

        write_file(args.output, frames(), title=args.scene.stem)
    return _summary(args.output, plan, tally)


def _recommended(weights: str) -> float:
    """Return the confidence that the cards of the weights recommend; the usual one where there is no card."""
    try:
        if weights.endswith(SUFFIX):
            return recommended_confidence([describe(Path(weights))])
        return recommended_confidence([Catalogue().find(name) for name in member_names(weights)])
    except WeightsInvalid:  # loading them says it better
        return ExtractionParams().min_confidence


def _read_geojson(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AoiInvalid(detail=f"{path} cannot be read as GeoJSON") from error
    if not isinstance(values, dict):
        raise AoiInvalid(detail=f"{path} is not a GeoJSON object")
    return values


class _WindowsPerSecond(ProgressColumn):
    """Speed as people of this field count it."""

    def render(self, task: Task) -> Text:
        """Show nothing until there is something to show."""
        return Text(f"{task.speed:.1f} windows/s" if task.speed else "")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("windows"),
        _WindowsPerSecond(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        console=console,
    )


def _summary(output: Path, plan: ExtractionPlan, tally: _Tally) -> str:
    info = plan.info
    duration_s = max(time.monotonic() - tally.started_s, 1e-3)
    megapixels = plan.area_m2 / (info.gsd_x_m * info.gsd_y_m) / 1e6
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{tally.buildings:,} buildings, {tally.area_m2:,.0f} m² of roofs, written to {output}\n"
        f"{plan.windows_total:,} windows, {plan.area_m2 / 1e6:,.3f} km² at {info.gsd_m:.2f} m, {duration_s:,.1f} s: "
        f"{megapixels / duration_s:.2f} MP/s of native pixels, peak memory {peak_mb:,.0f} MB"
    )
