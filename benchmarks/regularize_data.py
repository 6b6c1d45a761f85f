"""Polygons to regularize, each with the label it should become: traced from labels, or found by the detector."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import geopandas
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine
from rasterio.features import rasterize
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from processing.detector.protocol import Detector
from processing.evaluation import match, polygon_iou_matrix
from processing.params import ExtractionParams
from processing.pipeline import extract, plan_extraction
from processing.polygonize import largest_polygon, outline_of
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene
from processing.training.coco_source import read_coco
from processing.views import MaskShape, tight

EPSG, EAST_M, NORTH_M = 32633, 500_000.0, 5_500_000.0
GSD_M = 0.4
APART_PX = 20_000.0
"""Pictures lie this far from each other in the plane that all polygons of a set share."""
Polygons = np.ndarray


@dataclass(frozen=True)
class PolygonSet:
    """One plane of polygons in working pixels."""

    name: str
    seen: Polygons
    labels: Polygons
    """What each of `seen` should be; None where it matches nothing."""
    scores: np.ndarray
    gsd_m: float


@dataclass(frozen=True)
class Picture:
    """pixels: (H, W, 3) uint8. labels: polygons in its pixels."""

    pixels: np.ndarray
    gsd_m: float
    labels: Polygons


def read_pictures(folder: Path, gsd_m: float, most: int) -> Iterator[Picture]:
    """Yield pictures of a COCO folder, spread over it; `gsd_m` is for those that carry none."""
    images = read_coco(folder)
    for image in images[:: max(1, len(images) // most)][:most]:
        pixels = cv2.cvtColor(cv2.imread(str(image.path)), cv2.COLOR_BGR2RGB)
        labels = [polygon_of(outline.rings[0], outline.holes) for outline in image.outlines]
        yield Picture(pixels, image.gsd_m or gsd_m, as_array([label for label in labels if label is not None]))


def read_crop(scene: Path, labels: Path, crop: Window, ground_m: float) -> Picture:
    """Return a crop of a scene; its labels are in the scene's CRS."""
    with rasterio.open(scene) as dataset:
        pixels = np.moveaxis(dataset.read([1, 2, 3], window=crop), 0, 2)
        to_pixel = ~dataset.window_transform(crop)
    shapes = geopandas.read_file(labels).geometry.explode().to_numpy()
    a, b, c, d, e, f = tuple(to_pixel)[:6]
    moved = shapely.transform(shapes, lambda xy: xy @ np.array([[a, d], [b, e]]) + [c, f])
    inside = shapely.within(moved, shapely.box(0, 0, crop.width, crop.height))
    return Picture(pixels, ground_m, moved[inside & shapely.is_valid(moved)])


def polygon_of(ring: np.ndarray, holes: Sequence[np.ndarray]) -> BaseGeometry | None:
    """Return a label as one valid polygon, or None."""
    if len(ring) < 3:
        return None
    polygon = shapely.Polygon(ring.astype(float), [hole.astype(float) for hole in holes])
    return polygon if polygon.is_valid else largest_polygon(shapely.make_valid(polygon))


def detect(name: str, pictures: Sequence[Picture], detector: Detector) -> PolygonSet:
    """Return the raw outlines that the pipeline gives for pictures, matched to labels at IoU 0.5."""
    seen, labels, scores, gsd_m = [], [], [], GSD_M
    for number, picture in enumerate(pictures):
        outlines, confidence, scale, gsd_m = _outlines(picture, detector)
        truth = shapely.transform(picture.labels, lambda xy, scale=scale: xy * scale)
        iou = polygon_iou_matrix(outlines, truth)
        pairs = as_array([None] * len(outlines))
        if iou.size:
            hits = match(confidence, iou, 0.5)
            pairs[hits] = truth[iou[hits].argmax(axis=1)]
        seen += [_moved(shape, number) for shape in outlines]
        labels += [None if pair is None else _moved(pair, number) for pair in pairs]
        scores.append(confidence)
    return PolygonSet(name, as_array(seen), as_array(labels), np.concatenate(scores), gsd_m)


def _outlines(picture: Picture, detector: Detector) -> tuple[Polygons, np.ndarray, float, float]:
    """Return raw outlines in working pixels, scores, working pixels per pixel, and their size in metres."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.tif"
        height, width = picture.pixels.shape[:2]
        transform = Affine(picture.gsd_m, 0, EAST_M, 0, -picture.gsd_m, NORTH_M)
        profile = {"driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "uint8"}
        with rasterio.open(path, "w", crs=f"EPSG:{EPSG}", transform=transform, **profile) as dataset:
            dataset.write(np.moveaxis(picture.pixels, 2, 0))
        info = inspect_scene(path, name=path.name, budget=SceneBudget())
        plan = plan_extraction(info, detector.card, ExtractionParams(regularize=False, min_confidence=0.3))
        frames = [result.footprints for result in extract(path, plan, detector)]
    frame = pd.concat(frames, ignore_index=True)
    axis = plan.grid.x
    scale = axis.up / axis.pool
    ground = geopandas.GeoSeries(frame["raw_geometry"], crs=4326).to_crs(EPSG).to_numpy()
    factor, corner = scale / picture.gsd_m, [EAST_M, NORTH_M]
    outlines = shapely.transform(ground, lambda xy: (xy - corner) * [factor, -factor])
    simple = shapely.get_type_id(outlines) == shapely.GeometryType.POLYGON
    return outlines[simple], frame["confidence"].to_numpy()[simple], scale, axis.gsd_m


def trace(name: str, labels: Polygons) -> PolygonSet:
    """Return labels, in working pixels, as binary masks show them: pixels whose centre is inside, traced again."""
    pairs = [(outline, label) for label in labels if (outline := _traced(label)) is not None]
    seen, kept = as_array([pair[0] for pair in pairs]), as_array([pair[1] for pair in pairs])
    return PolygonSet(name, seen, kept, shapely.area(kept) / shapely.area(kept).max(), GSD_M)


def _traced(label: BaseGeometry) -> BaseGeometry | None:
    low = np.floor(np.array(label.bounds[:2])).astype(int) - 2
    width, height = (np.ceil(np.array(label.bounds[2:])).astype(int) + 2 - low).tolist()
    mask = rasterize([(shapely.transform(label, lambda xy: xy - low), 255)], (height, width), dtype=np.uint8)
    shape = tight(MaskShape(int(low[0]), int(low[1]), mask))
    return None if shape is None or shape.area_px < 16 else outline_of(shape)


def _moved(shape: BaseGeometry, number: int) -> BaseGeometry:
    offset = np.array([number * APART_PX, 0.0])
    return shapely.transform(shape, lambda xy: xy + offset)


def as_array(shapes: Sequence[BaseGeometry | None]) -> Polygons:
    """Return an object array (N,)."""
    result = np.empty(len(shapes), object)
    result[:] = shapes
    return result
