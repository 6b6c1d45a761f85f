"""Where the time of an extraction goes: `python -m benchmarks.extraction_profile SCENE.tif [WEIGHTS]` prints JSON.

The functions of each stage are timed where the pipeline calls them. Reading runs in a thread beside the others, so that
the stages may add up to more than the whole.
"""

import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import processing.merging
import processing.pipeline
import processing.scene_pixels
from processing.detector.engines import open_engine
from processing.detector.registry import weights_path
from processing.params import ExtractionParams
from processing.pipeline import extract, plan_extraction
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene

STAGES = (
    ("read", processing.scene_pixels, "read_pixels"),
    ("pool", processing.scene_pixels, "pool"),
    ("normalise", processing.scene_pixels, "to_picture"),
    ("trace", processing.merging, "outline_of"),
    ("regularize", processing.merging, "regularize"),
    ("georeference", processing.pipeline, "to_frame"),
)


def main(scene: Path, weights: Path) -> dict[str, float]:
    """Return the seconds of each stage, of the whole, and the megapixels and peak memory."""
    spent: dict[str, float] = defaultdict(float)
    detector = open_engine(weights, "cpu")
    for stage, module, name in STAGES:
        setattr(module, name, timed(getattr(module, name), stage, spent))
    kind = type(detector)
    kind.detect = timed(kind.detect, "detect", spent)
    merger = processing.merging.Merger
    merger.add = timed(merger.add, "merge", spent)
    paste_all = processing.pipeline.views_of
    processing.pipeline.views_of = timed(lambda *args: list(paste_all(*args)), "paste", spent)
    started = time.perf_counter()
    info = inspect_scene(scene, name=scene.name, budget=SceneBudget())
    plan = plan_extraction(info, detector.card, ExtractionParams())
    buildings = sum(len(result.footprints) for result in extract(scene, plan, detector))
    whole = time.perf_counter() - started
    spent["merge"] -= spent["trace"] + spent["regularize"]
    grid = plan.grid
    working = info.width_px * info.height_px * grid.x.up * grid.y.up / (grid.x.pool * grid.y.pool) / 1e6
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    facts = {"working_mp": working, "native_mp": info.width_px * info.height_px / 1e6, "windows": plan.windows_total}
    return {**spent, **facts, "whole": whole, "buildings": buildings, "peak_mb": memory}


def timed(function: Callable[..., Any], stage: str, spent: dict[str, float]) -> Callable[..., Any]:
    """Add the time of every call to its stage."""

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            spent[stage] += time.perf_counter() - started

    return call


if __name__ == "__main__":
    chosen = Path(sys.argv[2]) if len(sys.argv) > 2 else weights_path("default")
    print(json.dumps(main(Path(sys.argv[1]), chosen)))
