"""`./run bench detector`: our engines against eager torchvision Mask R-CNN R50, on the same windows and machine.

Subjects: ONNX Runtime in single precision and, where such a file exists, in 8-bit; the torch engine where safetensors
weights exist; the peer with random weights, whose speed does not depend on them. Each pass of each subject runs in a
process of its own, in turn, so that a machine that grows busy slows all of them. Then one profile of a whole
extraction, stage by stage. Everything runs on the CPU. What needs torch runs in this interpreter, or in the one that
BENCH_TORCH_PYTHON names.
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rasterio.windows import Window

from benchmarks.children import TORCH_PYTHON, run_child, why_not
from benchmarks.crops import make_scene
from benchmarks.report import OURS, Row, publish, read_options, row_of
from processing.detector.onnx_engine import OnnxDetector
from processing.detector.registry import weights_path
from processing.params import ExtractionParams
from processing.pipeline import plan_extraction
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene
from processing.scene_pixels import open_scene

PEER = "torchvision-maskrcnn-r50"
CROP, QUICK_CROP = Window(2048, 1536, 3072, 2304), Window(3072, 2304, 1800, 1600)
STAGES = ("read", "pool", "normalise", "detect", "paste", "merge", "trace", "regularize", "georeference", "whole")
Measurement = Callable[[], dict[str, Any]]


def main(arguments: Sequence[str] = ()) -> int:
    """Run all subjects and the profile, and print them."""
    options = read_options("detector", arguments)
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder) / "scene.tif", QUICK_CROP if options.quick else CROP)
        windows = Path(folder) / "windows.npy"
        np.save(windows, windows_of(scene, 2 if options.quick else 6))
        rows = compare(windows, rounds=1 if options.quick else 3)
        rows += profile(scene)
    publish("detector", rows, options.json)
    return 0


def windows_of(scene: Path, count: int) -> np.ndarray:
    """Return the windows (N, S, S, 3) uint8 of a scene that hold most imagery, as the pipeline cuts them."""
    detector = OnnxDetector(weights_path("default"), "cpu")
    info = inspect_scene(scene, name=scene.name, budget=SceneBudget())
    plan = plan_extraction(info, detector.card, ExtractionParams())
    with open_scene(scene, info) as reader:
        rects = [plan.grid.window_rect(int(column), int(row)) for part in plan.parts for column, row in part.windows]
        pictures = [reader.read_working(plan.grid, rect) for rect in rects]
    pictures.sort(key=lambda picture: -int(np.count_nonzero(picture)))
    return np.stack(pictures[:count])


def subjects(windows: Path) -> dict[str, Measurement]:
    """Return what can be measured here; says what cannot."""
    default = weights_path("default")
    found: dict[str, Measurement] = {}

    def ours(name: str, weights: Path, python: str) -> None:
        found[name] = lambda: run_child(python, "benchmarks.detector_ours", str(weights), str(windows), "1")

    ours(f"{OURS}, ONNX fp32", default, sys.executable)
    if (eight_bit := default.with_name("default-int8.onnx")).is_file():
        ours(f"{OURS}, ONNX int8", eight_bit, sys.executable)
    else:
        print("left out: 8-bit weights (make them with python -m processing.training.quantize)")
    for_torch = default.with_suffix(".safetensors")
    reason = why_not(TORCH_PYTHON, "torch, torchvision, rasterio, shapely")
    if reason is None:
        found[PEER] = lambda: run_child(TORCH_PYTHON, "benchmarks.detector_torchvision", str(windows), "1")
    if reason is None and for_torch.is_file():
        ours(f"{OURS}, torch", for_torch, TORCH_PYTHON)
    if reason is not None or not for_torch.is_file():
        print(f"left out: torch ({reason or 'no default.safetensors beside the weights'})")
    return found


def compare(windows: Path, rounds: int) -> list[Row]:
    """Measure the subjects in turn, and how often each is faster than the peer."""
    megapixels = np.prod(np.load(windows, mmap_mode="r").shape[1:3]) / 1e6
    chosen = subjects(windows)
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _ in range(rounds):
        for name, measurement in chosen.items():
            runs[name].append(measurement())
    rows = []
    for name, of_subject in runs.items():
        for metric, field in (("detections", "detect_s"), ("with polygons", "polygons_s")):
            seconds = [run[field][0] for run in of_subject]
            rows.append(row_of(name, metric, "speed", "MP/s", [megapixels / value for value in seconds]))
            if PEER in runs and name != PEER:
                peer = [run[field][0] for run in runs[PEER]]
                rows.append(row_of(name, metric, "times the peer", "×", [median(peer) / median(seconds)]))
        rows.append(row_of(name, "processor time", "a window", "s", [run["cpu_s"] for run in of_subject]))
        rows.append(row_of(name, "all", "peak memory", "MB", [run["peak_mb"] for run in of_subject]))
    return rows


def profile(scene: Path) -> list[Row]:
    """Return where the time of one extraction goes; its speed in pixels at the working resolution and native ones."""
    run = run_child(sys.executable, "benchmarks.extraction_profile", str(scene))
    rows = [row_of(OURS, "a whole extraction", stage, "s", [run[stage]]) for stage in STAGES]
    for metric, field in (("working pixels", "working_mp"), ("native pixels", "native_mp")):
        rows.append(row_of(OURS, "a whole extraction", metric, "MP/s", [run[field] / run["whole"]]))
    return [*rows, row_of(OURS, "a whole extraction", "peak memory", "MB", [run["peak_mb"]])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
