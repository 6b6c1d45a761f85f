"""`./run bench extract`: the product against eager torchvision Mask R-CNN with shapely, same scene, same machine.

Two cases: every native pixel goes through the network ("native"), or the scene is first brought to the detector's
working resolution ("working"). Speeds count native pixels in both. The peer needs torch and torchvision: in this
interpreter, or in the one that BENCH_TORCH_PYTHON names.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rasterio.windows import Window

from benchmarks.children import TORCH_PYTHON, run_child, why_not
from benchmarks.crops import make_scene
from benchmarks.report import OURS, Row, publish, read_options, row_of
from processing.detector.registry import load_detector
from processing.params import ExtractionParams
from processing.pipeline import plan_extraction
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene

CROP = Window(2048, 1536, 3072, 2304)
QUICK_CROP = Window(3072, 2304, 1024, 768)
PEER = "torchvision-maskrcnn-r50"


def main(arguments: Sequence[str] = ()) -> int:
    """Run the comparison and print it; return the exit code."""
    options = read_options("extract", arguments)
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder) / "scene.tif", QUICK_CROP if options.quick else CROP)
        rows = measure(scene, repeats=1 if options.quick else 3)
    publish("extract", rows, options.json)
    return 0


def measure(scene: Path, repeats: int) -> list[Row]:
    """Run both subjects on both cases, in turn; says when the peer cannot run."""
    detector = load_detector("default", "cpu")
    info = inspect_scene(scene, name=scene.name, budget=SceneBudget())
    pool = plan_extraction(info, detector.card, ExtractionParams()).grid.x.pool
    reason = why_not(TORCH_PYTHON, "torch, torchvision, rasterio, shapely")
    if reason is not None:
        print(f"left out: {PEER}: {reason}")
    rows: list[Row] = []
    for case, factor in (("native", 1), ("working", pool)):
        ours, peer = [], []
        for _ in range(repeats):
            ours.append(run_child(sys.executable, "benchmarks.extract_ours", str(scene), case))
            if reason is None:
                peer.append(run_child(TORCH_PYTHON, "benchmarks.extract_torchvision", str(scene), str(factor)))
        rows += rows_of(OURS, case, ours) + (rows_of(PEER, case, peer) if peer else [])
    return rows


def rows_of(subject: str, case: str, runs: list[dict[str, float]]) -> list[Row]:
    """Turn repeated runs into one row for each metric."""
    values = (
        ("speed", "MP/s", [run["megapixels"] / run["seconds"] for run in runs]),
        ("processor time", "s/MP", [run["cpu_seconds"] / run["megapixels"] for run in runs]),
        ("windows", "1/s", [run["windows"] / run["seconds"] for run in runs]),
        ("peak memory", "MB", [run["peak_mb"] for run in runs]),
        ("polygons", "count", [run["polygons"] for run in runs]),
    )
    return [row_of(subject, case, metric, unit, measured) for metric, unit, measured in values]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
