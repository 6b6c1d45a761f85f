"""The footprints and the views that the map benchmark gives to every subject."""

from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import shapely

from benchmarks.map_towns import town_batches
from processing.footprint_index.batch import FootprintBatch
from processing.rendering.tile_grid import WORLD_SIZE_M, degrees_to_mercator

COUNTY = Path(__file__).resolve().parents[2] / "shared" / "data" / "vectors" / "allegheny_county.parquet"
WIDTH_PX, HEIGHT_PX = 1200, 800
ZOOMS = (4, 6, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18)
TOWNS, REAL = "towns", "county"
_COUNTY_BATCH = 100_000


def load_batches(name: str, rows: int) -> Iterator[FootprintBatch]:
    """Yield the footprints of a data set: made-up towns, or the real ones of a county (as many as there are)."""
    yield from town_batches(rows) if name == TOWNS else county_batches(rows)


def county_batches(rows: int) -> Iterator[FootprintBatch]:
    """Yield real footprints; what is not a polygon is left out, as an import would do."""
    shapes = geopandas.read_parquet(COUNTY, columns=["geometry"]).geometry
    areas = shapes.to_crs(32617).area.to_numpy()
    good = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
    shapes, areas = shapes.to_numpy()[good][:rows], areas[good][:rows]
    rng = np.random.default_rng(2)
    for first in range(0, len(shapes), _COUNTY_BATCH):
        part = shapes[first : first + _COUNTY_BATCH]
        count = len(part)
        yield FootprintBatch(
            ids=np.arange(first + 1, first + 1 + count), versions=np.ones(count, np.int32), geometries=part,
            area_m2=areas[first : first + count], confidence=rng.beta(6, 2, count),
            jobs=np.full(count, "import", object), scenes=np.full(count, "county", object),
            created_s=np.full(count, 1.7e9), review=np.zeros(count, np.uint8),
        )  # fmt: skip


def views_of(x_m: np.ndarray, y_m: np.ndarray, zoom: int, count: int) -> list[tuple[float, float, float, float]]:
    """Return bounds (metres of EPSG:3857) of views with the pixels of a zoom, each around some footprint."""
    rng = np.random.default_rng(zoom)
    pixel_m = WORLD_SIZE_M / 2**zoom / 256
    chosen = rng.integers(0, len(x_m), count)
    half = WIDTH_PX / 2 * pixel_m, HEIGHT_PX / 2 * pixel_m
    lefts = np.round((x_m[chosen] - half[0]) / pixel_m) * pixel_m
    bottoms = np.round((y_m[chosen] - half[1]) / pixel_m) * pixel_m
    return [(x, y, x + 2 * half[0], y + 2 * half[1]) for x, y in zip(lefts.tolist(), bottoms.tolist(), strict=True)]


def view_centres(name: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y in metres of a sample of footprints, the same for every subject."""
    first = next(iter(load_batches(name, min(rows, 200_000))))
    bounds = shapely.bounds(first.geometries)
    return degrees_to_mercator((bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2)
