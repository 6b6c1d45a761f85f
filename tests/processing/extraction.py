"""Run the whole pipeline on a made-up scene and look at the result in the scene's own pixels."""

import numpy as np
import pandas as pd
import rasterio
import shapely
from pyproj import Transformer

from processing.params import ExtractionParams
from processing.pipeline import extract, plan_extraction
from processing.raster_file import SceneBudget
from processing.scene import inspect_scene
from tests.processing.bright_roofs import BrightRoofs

BUDGET = SceneBudget()


def inspect(path, **options):
    return inspect_scene(path, name=path.name, budget=BUDGET, **options)


def run(path, aoi=None, detector=None, completed=None, **params):
    """Return the plan and every PartResult."""
    detector = detector or BrightRoofs()
    plan = plan_extraction(inspect(path), detector.card, ExtractionParams(**params), aoi)
    return plan, list(extract(path, plan, detector, completed=completed))


def footprints_of(path, **options):
    """Return all footprints, sorted by key."""
    _, results = run(path, **options)
    return joined(results)


def joined(results):
    frame = pd.concat([result.footprints for result in results], ignore_index=True)
    return frame.sort_values("footprint_key", ignore_index=True)


def in_pixels(frame, path, column="geometry"):
    """Return the geometries in the native pixels of the scene."""
    with rasterio.open(path) as dataset:
        to_pixel, crs = ~dataset.transform, dataset.crs
    to_scene = Transformer.from_crs(4326, crs, always_xy=True)
    a, b, c, d, e, f = tuple(to_pixel)[:6]

    def move(points):
        x, y = to_scene.transform(points[:, 0], points[:, 1])
        return np.column_stack([a * x + b * y + c, d * x + e * y + f])

    return shapely.transform(np.asarray(frame[column].array), move)


def iou(a, b):
    shared = shapely.area(shapely.intersection(a, b))
    return shared / (shapely.area(a) + shapely.area(b) - shared)


def matched_iou(shapes, roofs):
    """Return for each roof (x0, y0, x1, y1) the best IoU, and assert that nothing was found twice or invented."""
    truth = shapely.box(*np.array(roofs, float).T)
    tree = shapely.STRtree(shapes)
    best = []
    for roof in truth:
        near = tree.query(roof, predicate="intersects")
        best.append(max((iou(shapes[at], roof) for at in near), default=0.0))
    assert len(shapes) == len(truth)
    return np.array(best)
