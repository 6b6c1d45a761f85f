"""`./run bench extract`: the product against eager torchvision Mask R-CNN with shapely, same scene, same machine.

Two cases: every native pixel goes through the network ("native"), or the scene is first brought to the detector's
working resolution ("working"). Speeds count native pixels in both. The peer needs torch and torchvision: in this
interpreter, or in the one that BENCH_TORCH_PYTHON names.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.windows import Window

from processing.detector.registry import load_detector
from processing.params import ExtractionParams
from processing.pipeline import plan_extraction
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene

ROOT = Path(__file__).resolve().parents[1]
SHARED_SCENE = ROOT.parent / "shared" / "data" / "scenes" / "banepa.tif"
CROP = Window(2048, 1536, 3072, 2304)
QUICK_CROP = Window(3072, 2304, 1024, 768)
OURS, PEER = "ours", "torchvision-maskrcnn-r50"
METRICS = (
    ("speed", "MP/s"),
    ("processor time", "s/MP"),
    ("windows per second", "1/s"),
    ("peak memory", "MB"),
    ("polygons", "count"),
)


def main(argv: list[str] | None = None) -> int:
    """Run the comparison, print a table, write JSON if asked; return the exit code."""
    parser = argparse.ArgumentParser(prog="bench extract", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small scene, once")
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder) / "scene.tif", QUICK_CROP if args.quick else CROP)
        rows, skipped = measure(scene, repeats=1 if args.quick else 3)
    report = {"bench": "extract", "machine": machine(), "rows": rows, "skipped": skipped}
    for row in rows:
        print(
            f"{row['subject']:26} {row['case']:8} {row['metric']:20} {row['median']:10.2f} {row['unit']} (n={row['n']})"
        )
    for reason in skipped:
        print(f"skipped: {reason}")
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def make_scene(path: Path, crop: Window) -> Path:
    """Write a crop of a real scene where there is one, else a made-up town of the same size."""
    profile = {"driver": "GTiff", "width": crop.width, "height": crop.height, "count": 3, "dtype": "uint8"}
    profile |= {"tiled": True, "compress": "deflate", "photometric": "rgb"}
    if SHARED_SCENE.is_file():
        with rasterio.open(SHARED_SCENE) as source:
            pixels, crs, transform = source.read([1, 2, 3], window=crop), source.crs, source.window_transform(crop)
    else:
        pixels, crs, transform = made_up_town(crop), "EPSG:32633", Affine(0.13, 0, 500_000, 0, -0.13, 5_500_000)
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile) as dataset:
        dataset.write(pixels)
    return path


def made_up_town(crop: Window) -> np.ndarray:
    """Return (3, H, W) uint8: noisy ground with bright roofs in rows."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(60, 110, (3, crop.height, crop.width), np.uint8)
    for row in range(60, crop.height - 120, 160):
        for column in range(60, crop.width - 120, 140):
            height, width = rng.integers(50, 110, 2)
            pixels[:, row : row + height, column : column + width] = rng.integers(150, 240, (3, 1, 1))
    return pixels


def measure(scene: Path, repeats: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Run both subjects on both cases; return rows, and reasons for what could not run."""
    detector = load_detector("default", "cpu")
    info = inspect_scene(scene, name=scene.name, budget=SceneBudget())
    pool = plan_extraction(info, detector.card, ExtractionParams()).grid.x.pool
    torch_python = os.environ.get("BENCH_TORCH_PYTHON", sys.executable)
    reason = why_no_peer(torch_python)
    rows: list[dict[str, Any]] = []
    for case in ("native", "working"):
        command = [sys.executable, "-m", "benchmarks.extract_ours", str(scene), case]
        rows += rows_of(OURS, case, [run(command) for _ in range(repeats)])
        if reason is None:
            factor = str(pool if case == "working" else 1)
            command = [torch_python, "-m", "benchmarks.extract_torchvision", str(scene), factor]
            rows += rows_of(PEER, case, [run(command) for _ in range(repeats)])
    return rows, [] if reason is None else [f"{PEER}: {reason}"]


def why_no_peer(python: str) -> str | None:
    """Return why the peer cannot run under an interpreter, or None."""
    probe = [python, "-c", "import torch, torchvision, rasterio, shapely"]
    child = subprocess.run(probe, capture_output=True, text=True, check=False)
    return None if child.returncode == 0 else (child.stderr.strip().splitlines() or ["it does not start"])[-1]


def run(command: list[str]) -> dict[str, float]:
    """Run one measurement in its own process and return what it printed."""
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{child.stderr}")
    result: dict[str, float] = json.loads(child.stdout.splitlines()[-1])
    return result


def rows_of(subject: str, case: str, runs: list[dict[str, float]]) -> list[dict[str, Any]]:
    """Turn repeated runs into one row for each metric."""
    values = {
        "speed": [run["megapixels"] / run["seconds"] for run in runs],
        "processor time": [run["cpu_seconds"] / run["megapixels"] for run in runs],
        "windows per second": [run["windows"] / run["seconds"] for run in runs],
        "peak memory": [run["peak_mb"] for run in runs],
        "polygons": [run["polygons"] for run in runs],
    }
    return [
        {
            "subject": subject,
            "case": case,
            "metric": metric,
            "unit": unit,
            "median": statistics.median(values[metric]),
            "p95": float(np.percentile(values[metric], 95)),
            "n": len(runs),
        }
        for metric, unit in METRICS
    ]


def machine() -> dict[str, Any]:
    """Say what this was measured on, and how busy that was."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "load_before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main())
