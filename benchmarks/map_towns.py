"""Made-up towns for the map benchmark: rectangles, L and U shapes of 8 to 40 m along streets, in towns of all sizes."""

from collections.abc import Iterator

import numpy as np
import shapely

from processing.footprint_index.batch import FootprintBatch

EARTH_M_PER_DEG = 111_319.49
_RECTANGLE = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
_ELL = np.array([(0, 0), (1, 0), (1, 0.45), (0.5, 0.45), (0.5, 1), (0, 1)], float)
_U = np.array([(0, 0), (1, 0), (1, 1), (0.7, 1), (0.7, 0.4), (0.3, 0.4), (0.3, 1), (0, 1)], float)
OUTLINES = ((_RECTANGLE, 0.6), (_ELL, 0.3), (_U, 0.1))
SPACING_M = 24.0
BATCH = 200_000
REVIEW_SHARES = (0.8, 0.1, 0.04, 0.06)
_WEST, _SOUTH, _EAST, _NORTH = -100.0, 30.0, -75.0, 45.0


def town_batches(rows: int, seed: int = 1, first_id: int = 1) -> Iterator[FootprintBatch]:
    """Yield `rows` footprints in batches, each one job with towns of its own of all sizes."""
    rng = np.random.default_rng(seed)
    for job, done in enumerate(range(0, rows, BATCH)):
        yield _batch(rng, min(BATCH, rows - done), first_id + done, job)


def _batch(rng: np.random.Generator, count: int, first_id: int, job: int) -> FootprintBatch:
    lon, lat, turn = _places(rng, count)
    width_m, depth_m = rng.uniform(8, 24, count), rng.uniform(8, 18, count)
    large = rng.random(count) < 0.03
    width_m[large] *= 1.7
    depth_m[large] *= 2.2
    geometries, shares = _shapes(rng, (lon, lat), turn, (width_m, depth_m))
    return FootprintBatch(
        ids=np.arange(first_id, first_id + count), versions=np.ones(count, np.int32), geometries=geometries,
        area_m2=width_m * depth_m * shares, confidence=np.clip(rng.beta(6, 2, count), 0, 1),
        jobs=np.full(count, f"job-{job:05d}", object), scenes=np.full(count, f"scene-{job // 3:05d}", object),
        created_s=1.7e9 + job * 3600 + rng.uniform(0, 600, count), review=rng.choice(4, count, p=REVIEW_SHARES),
    )  # fmt: skip


def _places(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return longitude, latitude and turn of each building: houses at the nodes of turned grids of streets."""
    sizes = np.sort(rng.pareto(1.1, max(1, count // 2000)) + 0.05)[::-1]
    sizes = np.maximum(1, (np.minimum(sizes / sizes.sum(), 0.1) * count).astype(int))
    town = np.repeat(np.arange(len(sizes)), sizes)[:count]
    town = np.concatenate((town, rng.integers(0, len(sizes), count - len(town))))
    centre_lon, centre_lat = rng.uniform(_WEST, _EAST, len(sizes)), rng.uniform(_SOUTH, _NORTH, len(sizes))
    spread_m = SPACING_M * np.sqrt(np.bincount(town, minlength=len(sizes))) * 0.55
    away = rng.normal(size=(count, 2)) * spread_m[town][:, None]
    node = np.floor(away / SPACING_M) * SPACING_M + rng.uniform(-3, 3, (count, 2))
    turn = rng.uniform(0, np.pi / 2, len(sizes))[town]
    east, north = _turned(node, turn)
    lat = centre_lat[town] + north / EARTH_M_PER_DEG
    return centre_lon[town] + east / EARTH_M_PER_DEG / np.cos(np.radians(lat)), lat, turn


def _shapes(
    rng: np.random.Generator, place: tuple[np.ndarray, np.ndarray], turn: np.ndarray, size_m: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Return polygons in EPSG:4326 and the share of its rectangle that each fills."""
    kind = rng.choice(len(OUTLINES), len(turn), p=[share for _, share in OUTLINES])
    geometries, shares = np.empty(len(turn), object), np.empty(len(turn))
    for number, (outline, _) in enumerate(OUTLINES):
        chosen = kind == number
        ring = (outline[None] - 0.5) * np.stack([size[chosen] for size in size_m], axis=-1)[:, None, :]
        east, north = _turned(ring, turn[chosen][:, None])
        lat = place[1][chosen][:, None]
        points = np.stack(
            (
                place[0][chosen][:, None] + east / EARTH_M_PER_DEG / np.cos(np.radians(lat)),
                lat + north / EARTH_M_PER_DEG,
            ),
            axis=-1,
        )
        geometries[chosen] = shapely.polygons(points)
        shares[chosen] = shapely.Polygon(outline).area
    return geometries, shares


def _turned(points: np.ndarray, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cosine, sine = np.cos(turn), np.sin(turn)
    return points[..., 0] * cosine - points[..., 1] * sine, points[..., 0] * sine + points[..., 1] * cosine
