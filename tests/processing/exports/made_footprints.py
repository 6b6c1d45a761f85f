"""Footprints with every kind of attribute, and text that would do harm where it is not escaped."""

from datetime import UTC, datetime

import geopandas
import numpy as np
import shapely

HOSTILE = [
    "=1+2",
    "+SUM(A1)",
    "-2+3|cmd",
    "@import",
    "\tTab",
    "<script>alert(1)</script>",
    "]]><x/>",
    'quote " and , comma\nnew line',
    "ünï–códe 建物",
    "plain",
]
YARD = shapely.box(0, 0, 4e-4, 4e-4).difference(shapely.box(1e-4, 1e-4, 2e-4, 2e-4))
TWO = shapely.MultiPolygon([shapely.box(179.9999, -17.0, 180, -16.9999), shapely.box(-180, -17.0, -179.9999, -16.9999)])


def frame(first=0, count=20):
    """Return footprints number `first` and on."""
    numbers = np.arange(first, first + count)
    shapes = [shapely.box(10 + n * 1e-3, 50, 10 + n * 1e-3 + 2.5e-4, 50.0002) for n in numbers]
    if first == 0 and count > 2:
        shapes[1], shapes[2] = YARD, TWO
    values = {
        "footprint_key": [f"{n}:{-n}" for n in numbers],
        "area_m2": numbers * 1.5 + 10,
        "confidence": np.linspace(0.5, 0.99, count),
        "offset": -numbers.astype(np.int64),
        "remark": [HOSTILE[n % len(HOSTILE)] for n in numbers],
        "seen_by_many_people": [None if n % 3 else f"person {n}" for n in numbers],
        "seen_by_many_windows": numbers % 2 == 0,
        "created_at": [datetime(2026, 11, 23, 4, n % 60, tzinfo=UTC) for n in numbers],
        "raw_geometry": geopandas.GeoSeries(shapes, crs=4326),
    }
    return geopandas.GeoDataFrame(values, geometry=shapes, crs=4326)


def batches(sizes=(20, 1, 30)):
    """Give several frames one after the other."""
    first = 0
    for count in sizes:
        yield frame(first, count)
        first += count


def everything(sizes=(20, 1, 30)):
    """Return the same footprints in one frame."""
    return frame(0, sum(sizes))
