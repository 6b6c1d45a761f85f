"""CSV with the centroid's longitude and latitude and the outline as WKT."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import shapely
from geopandas import GeoDataFrame

from processing.exports.attributes import attribute_names, attribute_rows, outlines

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
PLACE_COLUMNS = ("centroid_lon_deg", "centroid_lat_deg", "wkt")


def write_csv(batches: Iterable[GeoDataFrame], title: str) -> Iterator[bytes]:
    """Stream a table; the first batch names the columns, and an empty export still has the place columns."""
    del title
    names: list[str] | None = None
    for frame in batches:
        if names is None:
            names = attribute_names(frame)
            yield _line([*names, *PLACE_COLUMNS])
        yield b"".join(_rows(frame, names))
    if names is None:
        yield _line(PLACE_COLUMNS)


def _rows(frame: GeoDataFrame, names: list[str]) -> Iterator[bytes]:
    shapes = outlines(frame)
    places = shapely.get_coordinates(shapely.centroid(shapes)).round(8).tolist()
    for attributes, place, wkt in zip(attribute_rows(frame), places, shapely.to_wkt(shapes, 8), strict=True):
        yield _line([*(_cell(attributes.get(name)) for name in names), *place, wkt])


def _cell(value: Any) -> Any:
    """Keep spreadsheets from running text as a formula; numbers, negative ones too, stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value.replace("\0", "")
    return value


def _line(values: Iterable[Any]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue().encode()
