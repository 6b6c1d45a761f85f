"""A made-up city: footprints with the attributes that the database gives, batch by batch, the same on every run."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

CENTRE_DEG = (-80.0, 40.4)
METRES_PER_DEG = 111_320.0
JOB, SCENE = "7f0c54a4-31f5-4a9e-9d0b-2b8c0f6f3f52", "0b9a7c1e-6a53-4f39-8a57-1f1f8f4d7c11"
CORNERS = {
    "rectangle": [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)],
    "wing": [(0, 0), (1, 0), (1, 0.4), (0.55, 0.4), (0.55, 1), (0, 1), (0, 0)],
    "bay": [(0, 0), (0.3, 0), (0.3, -0.12), (0.6, -0.12), (0.6, 0), (1, 0), (1, 1), (0, 1), (0, 0)],
    "yard": [(0.3, 0.3), (0.3, 0.7), (0.7, 0.7), (0.7, 0.3), (0.3, 0.3)],
}


def city_batches(rows: int, batch_rows: int = 20_000) -> Iterator[GeoDataFrame]:
    """Yield `rows` footprints around some centres of settlement; every batch is scattered over the whole city."""
    for first in range(0, rows, batch_rows):
        yield _frame(first, min(batch_rows, rows - first))


def _frame(first: int, count: int) -> GeoDataFrame:
    rng = np.random.default_rng([2026, first])
    width_m, depth_m = rng.lognormal(2.4, 0.35, count), rng.lognormal(2.2, 0.35, count)
    numbers = np.arange(first, first + count)
    columns = {
        "id": numbers + 1,
        "job_id": JOB,
        "scene_id": SCENE,
        "footprint_key": [f"{number // 1000}:{number % 1000}" for number in numbers],
        "area_m2": width_m * depth_m,
        "confidence": rng.beta(8, 2, count),
        "reg_method": rng.choice(["rectangle", "right_angles", "free"], count),
        "reg_iou": rng.uniform(0.85, 1.0, count),
        "reg_status": "kept",
        "created_at": pd.Series([datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)] * count),
        "gsd_m": 0.3,
        "weights": "footprints-0.2.0",
        "weights_sha256": "0123456789ab",
    }
    return GeoDataFrame(columns, geometry=_outlines(rng, width_m, depth_m), crs=4326)


def _outlines(
    rng: np.random.Generator, width_m: NDArray[np.float64], depth_m: NDArray[np.float64]
) -> NDArray[np.object_]:
    count = len(width_m)
    towns = np.random.default_rng(7).normal(0, 15_000, (40, 2))
    place_m = towns[rng.integers(0, len(towns), count)] + rng.normal(0, 2_500, (count, 2))
    angle = rng.choice([0.0, 0.3, 0.7], count) + rng.normal(0, 0.02, count)
    kind = rng.choice(["rectangle", "wing", "bay", "court"], count, p=[0.45, 0.3, 0.22, 0.03])
    size = np.column_stack([width_m, depth_m])
    shapes = np.empty(count, object)
    for name in ("rectangle", "wing", "bay", "court"):
        at = np.flatnonzero(kind == name)
        rings = [_placed(CORNERS.get(name, CORNERS["rectangle"]), size[at], angle[at], place_m[at])]
        holes = _placed(CORNERS["yard"], size[at], angle[at], place_m[at]) if name == "court" else None
        shells = shapely.linearrings(rings[0])
        shapes[at] = shapely.polygons(shells, None if holes is None else shapely.linearrings(holes)[:, None])
    return shapes


def _placed(
    corners: list[tuple[float, float]],
    size_m: NDArray[np.float64],
    angle: NDArray[np.float64],
    place_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (N, corners, 2) degrees."""
    local = np.array(corners)[None] * size_m[:, None]
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x = local[..., 0] * cosine - local[..., 1] * sine + place_m[:, None, 0]
    y = local[..., 0] * sine + local[..., 1] * cosine + place_m[:, None, 1]
    scale = METRES_PER_DEG * np.cos(np.radians(CENTRE_DEG[1]))
    return np.stack([CENTRE_DEG[0] + x / scale, CENTRE_DEG[1] + y / METRES_PER_DEG], axis=-1)
