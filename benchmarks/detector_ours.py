"""Time one of our engines on windows: `python -m benchmarks.detector_ours WEIGHTS WINDOWS.npy PASSES` prints JSON.

The suffix of the weights chooses the engine.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from processing.detector.engines import open_engine
from processing.detector.pasting import paste
from processing.polygonize import outline_of
from processing.views import MaskShape, tight

SURE = 0.5


def main(weights: Path, windows_file: Path, passes: int) -> dict[str, float | list[float]]:
    """Return seconds a window for each pass: for the detections, and with polygons of those that are sure."""
    detector = open_engine(weights, "cpu")
    windows = np.load(windows_file)
    detector.detect(windows[:1])
    detecting, tracing, polygons, cpu_s = [], [], 0, 0.0
    for _ in range(passes):
        started, started_cpu = time.perf_counter(), time.process_time()
        found = [raw for window in windows for raw in detector.detect(window[None])]
        detected, cpu_s = time.perf_counter(), (time.process_time() - started_cpu) / len(windows)
        polygons = 0
        for raw in found:
            for index in np.flatnonzero(raw.scores >= SURE):
                pasted = paste(raw.boxes[index], np.rint(raw.masks[index] * 255).astype(np.uint8), windows.shape[1])
                shape = tight(MaskShape(*pasted)) if pasted else None
                polygons += shape is not None and outline_of(shape) is not None
        detecting.append((detected - started) / len(windows))
        tracing.append((time.perf_counter() - started) / len(windows))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"detect_s": detecting, "polygons_s": tracing, "cpu_s": cpu_s, "polygons": polygons, "peak_mb": peak_mb}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
