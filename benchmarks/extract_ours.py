"""One timed extraction by the product, in a process of its own so that its peak memory is its own.

`python -m benchmarks.extract_ours SCENE.tif native|working` prints one JSON object.
"""

import json
import resource
import sys
import time
from pathlib import Path

from processing.detector.registry import load_detector
from processing.params import ExtractionParams
from processing.pipeline import extract, plan_extraction
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene


def main(path: Path, case: str) -> dict[str, float]:
    """Extract the whole scene; loading the weights is not timed, everything else is."""
    detector = load_detector("default", "cpu")
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    info = inspect_scene(path, name=path.name, budget=SceneBudget())
    # Declaring the pixels to be as large as the detector wants them keeps the scene at its own resolution.
    gsd_m = detector.card.gsd_working_m if case == "native" else None
    plan = plan_extraction(info, detector.card, ExtractionParams(gsd_m=gsd_m, min_area_m2=0.0))
    buildings = sum(len(result.footprints) for result in extract(path, plan, detector))
    return {
        "seconds": time.perf_counter() - started_s,
        "cpu_seconds": time.process_time() - started_cpu_s,
        "megapixels": info.width_px * info.height_px / 1e6,
        "windows": plan.windows_total,
        "polygons": buildings,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
