"""Footprints made in code for the tests of the index."""

from typing import Any

import numpy as np
import shapely

from processing.footprint_index.batch import FootprintBatch
from processing.rendering.tile_grid import degrees_to_mercator

Array = Any
WORLD_M = 40075016.68557849
NEAR = (-10.0, 40.0)
"""Degrees around which the random ones lie."""


def batch_of(geometries: Any, first_id: int = 1, **columns: Any) -> FootprintBatch:
    """Return a batch with plain values for the columns that are not given."""
    shapes = np.empty(len(geometries), object)
    shapes[:] = list(geometries)
    count = len(shapes)
    plain: dict[str, Any] = {
        "ids": np.arange(first_id, first_id + count),
        "versions": np.ones(count, np.int32),
        "area_m2": np.full(count, 100.0),
        "confidence": np.full(count, 0.8),
        "jobs": np.full(count, "job-a", object),
        "scenes": np.full(count, "scene-a", object),
        "created_s": np.full(count, 1.7e9),
        "review": np.zeros(count, np.uint8),
    }
    return FootprintBatch(geometries=shapes, **(plain | columns))


def random_batch(count: int, seed: int = 0, first_id: int = 1, spread_deg: float = 0.4) -> FootprintBatch:
    """Return turned rectangles of 8 to 40 m in clusters, with all columns at random."""
    rng = np.random.default_rng(seed)
    clusters = rng.uniform(-spread_deg, spread_deg, (12, 2)) + NEAR
    centres = clusters[rng.integers(0, 12, count)] + rng.normal(0, spread_deg / 25, (count, 2))
    return batch_of(
        turned_boxes(rng, centres),
        first_id,
        area_m2=rng.lognormal(4.8, 0.8, count),
        confidence=rng.integers(0, 1001, count) / 1000,
        jobs=rng.choice(np.array(["job-a", "job-b", "job-c"], object), count),
        scenes=rng.choice(np.array(["scene-a", "scene-b"], object), count),
        created_s=1.7e9 + rng.integers(0, 100_000, count) + 0.5,
        review=rng.integers(0, 4, count).astype(np.uint8),
    )


def turned_boxes(rng: np.random.Generator, centres_deg: Array) -> Array:
    """Return a rectangle around each of (N, 2) places."""
    count = len(centres_deg)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * rng.uniform(4, 20, (count, 1, 2))
    turn = rng.uniform(0, np.pi, (count, 1))
    east = corners[..., 0] * np.cos(turn) - corners[..., 1] * np.sin(turn)
    north = corners[..., 0] * np.sin(turn) + corners[..., 1] * np.cos(turn)
    lat = centres_deg[:, 1:] + north / 111_000
    lon = centres_deg[:, :1] + east / 111_000 / np.cos(np.radians(centres_deg[:, 1:]))
    return shapely.polygons(np.stack((lon, lat), axis=-1))


def mercator(geometries: Array) -> Array:
    """Return the geometries in metres of EPSG:3857."""
    return shapely.transform(geometries, lambda points: np.column_stack(degrees_to_mercator(*points.T)))


def centres_m(geometries: Array) -> tuple[Array, Array]:
    """Return x and y of the centres of the bounding boxes, in metres of EPSG:3857."""
    bounds = shapely.bounds(mercator(geometries))
    return (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2


def square_deg(lon: float, lat: float, side_deg: float = 0.001) -> shapely.Polygon:
    """Return a square around a place."""
    half = side_deg / 2
    return shapely.box(lon - half, lat - half, lon + half, lat + half)
