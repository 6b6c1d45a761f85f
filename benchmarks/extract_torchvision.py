"""One timed extraction the way it is usually put together: eager torchvision and shapely, window by window.

`python -m benchmarks.extract_torchvision SCENE.tif POOL` prints one JSON object. Needs torch, torchvision, rasterio and
shapely only, so that it can run under another interpreter than the product.

The network has random weights: its speed does not depend on them. The score threshold is 0, so that every window gives
the usual 100 detections and pastes 100 masks; the mask head is made to fill its boxes, which is the kindest case for
the polygons that follow.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import rasterio
import shapely
import torch
from rasterio.enums import Resampling
from rasterio.features import shapes
from rasterio.windows import Window
from shapely.geometry import shape
from torchvision.models.detection import maskrcnn_resnet50_fpn

WINDOW_PX, STRIDE_PX = 512, 384


def network() -> torch.nn.Module:
    """Return Mask R-CNN on ResNet-50-FPN for one class beside the background."""
    torch.manual_seed(0)
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2, box_score_thresh=0.0)
    with torch.no_grad():
        model.roi_heads.mask_predictor.mask_fcn_logits.weight.zero_()
        model.roi_heads.mask_predictor.mask_fcn_logits.bias.fill_(3.0)
    return model.eval()


def polygons_of(masks: np.ndarray, transform: rasterio.Affine) -> list[shapely.Polygon]:
    """masks: (N, H, W) bool. Return the polygons of all masks, simplified by about a pixel."""
    found = []
    for mask in masks:
        for geometry, _ in shapes(mask.astype(np.uint8), mask=mask, transform=transform):
            found.append(shape(geometry).simplify(abs(transform.a)))
    return found


def main(path: Path, pool: int) -> dict[str, float]:
    """Read, infer and polygonize every window."""
    model = network()
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    polygons, windows = [], 0
    with rasterio.open(path) as dataset, torch.inference_mode():
        step, side = STRIDE_PX * pool, WINDOW_PX * pool
        for row in range(0, max(1, dataset.height - (side - step)), step):
            for column in range(0, max(1, dataset.width - (side - step)), step):
                window = Window(column, row, side, side)
                pixels = dataset.read(
                    [1, 2, 3],
                    window=window,
                    boundless=True,
                    out_shape=(3, WINDOW_PX, WINDOW_PX),
                    resampling=Resampling.average,
                )
                found = model([torch.from_numpy(pixels).float() / 255])[0]
                transform = dataset.window_transform(window) @ rasterio.Affine.scale(pool)
                polygons += polygons_of((found["masks"][:, 0] > 0.5).numpy(), transform)
                windows += 1
        megapixels = dataset.width * dataset.height / 1e6
    return {
        "seconds": time.perf_counter() - started_s,
        "cpu_seconds": time.process_time() - started_cpu_s,
        "megapixels": megapixels,
        "windows": windows,
        "polygons": len(polygons),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
