"""The columns beside the geometry, as plain values."""

import math
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

DECIMALS_DEG = 8
"""About a millimetre on the ground."""


def attribute_names(frame: GeoDataFrame) -> list[str]:
    """Return the columns that hold no geometry, in order."""
    return [str(name) for name, dtype in zip(frame.columns, frame.dtypes, strict=True) if str(dtype) != "geometry"]


def attribute_rows(frame: GeoDataFrame) -> Iterator[dict[str, Any]]:
    """Give each row's attributes as str, int, float, bool or None; times become ISO 8601 text."""
    names = attribute_names(frame)
    columns = [[_plain(value) for value in frame[name].tolist()] for name in names]
    for values in zip(*columns, strict=True) if columns else ((),) * len(frame):
        yield dict(zip(names, values, strict=True))


def _plain(value: Any) -> str | int | float | bool | None:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def outlines(frame: GeoDataFrame) -> NDArray[Any]:
    """Return the geometries with outer rings counter-clockwise and coordinates rounded to a millimetre."""
    shapes = shapely.transform(np.asarray(frame.geometry.array), lambda xy: np.round(xy, DECIMALS_DEG))
    oriented: NDArray[Any] = shapely.orient_polygons(shapes)
    return oriented
