"""COCO folders made in code, for tests of reading and training."""

import gzip
import json
from pathlib import Path

import cv2
import numpy as np


def write_coco(
    folder: Path,
    pictures: dict[str, list[tuple[int, int, int, int]]],
    *,
    size_px: int = 96,
    gsd_m: float | None = 0.4,
) -> Path:
    """Write pictures of dark ground with bright roofs; each roof is (left, top, width, height) pixels."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number, (name, roofs) in enumerate(pictures.items(), start=1):
        picture = np.full((size_px, size_px, 3), (40, 70, 50), np.uint8)
        images.append({"id": number, "file_name": name, "width": size_px, "height": size_px, "gsd": gsd_m})
        for left, top, width, height in roofs:
            picture[top : top + height, left : left + width] = (200, 190, 210)
            right, bottom = left + width, top + height
            ring = [left, top, right, top, right, bottom, left, bottom]
            annotations.append({"id": len(annotations) + 1, "image_id": number, "segmentation": [ring]})
        cv2.imwrite(str(folder / "images" / name), picture)
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "building"}]}
    (folder / "annotations.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    return folder
