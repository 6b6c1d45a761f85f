"""Time eager torchvision on windows: `python -m benchmarks.detector_torchvision WINDOWS.npy PASSES` prints JSON.

Mask R-CNN on ResNet-50-FPN with random weights, and shapely polygons of every mask, as `extract_torchvision` has them.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import rasterio
import torch

from benchmarks.extract_torchvision import network, polygons_of


def main(windows_file: Path, passes: int) -> dict[str, float | list[float]]:
    """Return seconds a window for each pass: for the detections, and with polygons of all of them."""
    model = network()
    windows = np.load(windows_file)
    pictures = [torch.from_numpy(window).permute(2, 0, 1).float() / 255 for window in windows]
    detecting, tracing, polygons, cpu_s = [], [], 0, 0.0
    with torch.inference_mode():
        model(pictures[:1])
        for _ in range(passes):
            started, started_cpu = time.perf_counter(), time.process_time()
            found = [model([picture])[0] for picture in pictures]
            detected, cpu_s = time.perf_counter(), (time.process_time() - started_cpu) / len(windows)
            masks = [(raw["masks"][:, 0] > 0.5).numpy() for raw in found]
            polygons = sum(len(polygons_of(mask, rasterio.Affine.identity())) for mask in masks)
            detecting.append((detected - started) / len(windows))
            tracing.append((time.perf_counter() - started) / len(windows))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"detect_s": detecting, "polygons_s": tracing, "cpu_s": cpu_s, "polygons": polygons, "peak_mb": peak_mb}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
