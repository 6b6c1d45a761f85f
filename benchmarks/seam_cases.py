"""Footprints of one piece of ground under different windows, and how far they agree.

All shapes are compared in native pixels of the whole scene, so that a crop and a shifted scene fall on each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.windows import Window

from processing.detector.protocol import Detector
from processing.evaluation import polygon_iou_matrix
from processing.params import ExtractionParams
from processing.pipeline import ExtractionPlan, PartResult, extract, plan_extraction
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene

SEAM_WITHIN_PX = 4
"""Working pixels. A building nearer than this to a window's border was seen cut, or nearly so, by that window."""

Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Extracted:
    """Footprints in native pixels of the ground they were compared on, and which of them a window's border touches."""

    shapes: Shapes
    at_seam: NDArray[np.bool_]

    def within(self, region: shapely.Geometry) -> "Extracted":
        """Keep those whose centre lies in the region."""
        kept = shapely.intersects(region, shapely.centroid(self.shapes))
        return Extracted(self.shapes[kept], self.at_seam[kept])


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two sets of footprints agree. Shares are of both sets together: found in both, over the larger count."""

    count: int
    other_count: int
    matched: float
    matched_at_seams: float
    matched_elsewhere: float
    at_seams: int

    @property
    def count_difference(self) -> float:
        """Difference of the counts over the larger count."""
        return abs(self.count - self.other_count) / max(self.count, self.other_count, 1)


def write_crop(source: Path, path: Path, crop: Window, shift_px: tuple[int, int] = (0, 0)) -> Path:
    """Write a crop of a scene; `shift_px` (columns, rows) moves its geotransform by whole native pixels."""
    with rasterio.open(source) as dataset:
        pixels = dataset.read([1, 2, 3], window=crop)
        transform = dataset.window_transform(crop) @ Affine.translation(*shift_px)
        profile = {"driver": "GTiff", "count": 3, "dtype": pixels.dtype, "crs": dataset.crs, "transform": transform}
    profile |= {"width": crop.width, "height": crop.height, "tiled": True, "compress": "deflate", "photometric": "rgb"}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels)
    return path


def plan_of(scene: Path, detector: Detector, **params: float) -> ExtractionPlan:
    """Plan the extraction of a whole scene."""
    info = inspect_scene(scene, name=scene.name, budget=SceneBudget())
    return plan_extraction(info, detector.card, ExtractionParams(**params))  # type: ignore[arg-type]


def run(
    scene: Path, plan: ExtractionPlan, detector: Detector, completed: Mapping[int, bytes] | None = None
) -> list[PartResult]:
    """Extract a whole scene."""
    return list(extract(scene, plan, detector, completed=completed))


def extracted(scene: Path, plan: ExtractionPlan, results: list[PartResult], offset_px: tuple[int, int]) -> Extracted:
    """Bring footprints into the pixels of the whole scene, of which this one is a crop at `offset_px`."""
    frame = pd.concat([result.footprints for result in results], ignore_index=True)
    with rasterio.open(scene) as dataset:
        to_pixel, to_scene = ~dataset.transform, Transformer.from_crs(4326, dataset.crs, always_xy=True)

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = to_scene.transform(points[:, 0], points[:, 1])
        return np.column_stack(to_pixel @ (x, y))

    native: Shapes = shapely.transform(np.asarray(frame.geometry.array, object), move)
    return Extracted(shapely.transform(native, lambda points: points + offset_px), _touch_a_border(native, plan))


def _touch_a_border(shapes: Shapes, plan: ExtractionPlan) -> NDArray[np.bool_]:
    """Tell which shapes, in native pixels of the planned scene, come near a border of any window."""
    x0, y0, x1, y1 = shapely.bounds(shapes).T
    touching = np.zeros(len(shapes), np.bool_)
    for axis, low, high in ((plan.grid.x, x0, x1), (plan.grid.y, y0, y1)):
        first = (low + axis.origin_px) * axis.up / axis.pool - SEAM_WITHIN_PX
        last = (high + axis.origin_px) * axis.up / axis.pool + SEAM_WITHIN_PX
        for border in (0, plan.grid.window_px):
            stride = plan.grid.stride_px
            touching |= np.floor((last - border) / stride) > np.floor((first - border) / stride)
    return touching


def compare(found: Extracted, other: Extracted, iou_min: float) -> Agreement:
    """Match one to one by IoU and count."""
    iou = polygon_iou_matrix(list(found.shapes), list(other.shapes))
    hits, other_hits = _matches(iou, iou_min)
    flags = np.concatenate([hits, other_hits])
    seams = np.concatenate([found.at_seam, other.at_seam])
    return Agreement(
        len(found.shapes),
        len(other.shapes),
        _share(int(hits.sum()), max(len(hits), len(other_hits))),
        _share(int(flags[seams].sum()), int(seams.sum())),
        _share(int(flags[~seams].sum()), int((~seams).sum())),
        int(seams.sum()),
    )


def _matches(iou: NDArray[np.float64], iou_min: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows and which columns of (K, G) find a partner, the best pairs first."""
    rows, columns = np.nonzero(iou >= iou_min)
    hits, other_hits = np.zeros(iou.shape[0], np.bool_), np.zeros(iou.shape[1], np.bool_)
    for at in np.argsort(-iou[rows, columns], kind="stable"):
        if not hits[rows[at]] and not other_hits[columns[at]]:
            hits[rows[at]] = other_hits[columns[at]] = True
    return hits, other_hits


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
