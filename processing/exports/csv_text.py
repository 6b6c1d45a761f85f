"""CSV with the centroid's longitude and latitude and the outline as WKT."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import shapely

from processing.exports.batches import FootprintBatch
from processing.exports.coordinate_text import DECIMALS, WKT, polygon_texts
from processing.exports.value_text import bytes_of, csv_texts, join_rows, plain_texts

PLACE_COLUMNS = ("centroid_lon_deg", "centroid_lat_deg", "wkt")
END = "\r\n"


def write_csv(batches: Iterable[FootprintBatch], title: str) -> Iterator[bytes]:
    """Stream a table; the first batch names the columns, and an empty export still has the place columns."""
    del title
    names: list[str] | None = None
    for batch in batches:
        if names is None:
            names = batch.attributes.schema.names
            yield _header(names)
        yield bytes_of(_rows(batch, names))
    if names is None:
        yield _header([])


def _header(names: list[str]) -> bytes:
    return (",".join(csv_texts(pa.array([*names, *PLACE_COLUMNS])).to_pylist()) + END).encode()


def _rows(batch: FootprintBatch, names: list[str]) -> pa.Array:
    places = shapely.get_coordinates(shapely.centroid(batch.shapes))
    rounded = np.round(places, DECIMALS)
    pieces: list[pa.Array | str] = []
    for name in names:
        at = batch.attributes.schema.get_field_index(name)
        column = batch.attributes.column(at) if at >= 0 else pa.nulls(batch.attributes.num_rows)
        pieces += [csv_texts(column), ","]
    for axis in (0, 1):
        pieces += [plain_texts(pa.array(rounded[:, axis])), ","]
    # An outline always holds a comma, and never a quotation mark.
    return join_rows(*pieces, '"', polygon_texts(batch.shapes, WKT), '"' + END)
