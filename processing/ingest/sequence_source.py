"""GeoJSON text sequences and newline-delimited GeoJSON, line by line: a broken line is one refused row."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import batched, chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import shapely
from pyproj import CRS

from processing.errors import VectorTooLarge
from processing.ingest.options import IngestBudget
from processing.ingest.vector_source import SourceRows, VectorSource, refuse_wide


@contextmanager
def open_sequence(path: Path, *, name: str, budget: IngestBudget) -> Iterator[VectorSource]:
    """Open a sequence; RFC 8142's record separators may be there or not. Raises `VectorTooLarge` while reading."""
    with path.open("rb") as file:
        rows = _rows(_lines(file, name, budget.line_bytes_max), budget.batch_rows)
        first = next(rows, None)
        names = {} if first is None else dict.fromkeys(key for values in first.attributes for key in values)
        refuse_wide(len(names), name, budget)
        yield VectorSource(
            crs=CRS.from_authority("OGC", "CRS84"),
            columns=tuple(names),
            rows=rows if first is None else chain([first], rows),
        )


def _lines(file: BinaryIO, name: str, limit_bytes: int) -> Iterator[bytes]:
    while line := file.readline(limit_bytes + 1):
        if len(line) > limit_bytes:
            raise VectorTooLarge(name=name, limit=f"{limit_bytes / 1e6:.0f} MB a line")
        line = line.strip(b"\x1e\xef\xbb\xbf \t\r\n")
        if line:
            yield line


def _rows(lines: Iterator[bytes], batch_rows: int) -> Iterator[SourceRows]:
    first_row = 1
    for chunk in batched(lines, batch_rows):
        read = [_feature(line) for line in chunk]
        shapes = shapely.from_geojson(np.array([text for text, _ in read], object), on_invalid="ignore")
        yield SourceRows(
            first_row=first_row,
            shapes=np.asarray(shapes, object),
            closed=np.zeros(len(read), bool),
            present=np.array([text is not None for text, _ in read], bool),
            attributes=[properties for _, properties in read],
        )
        first_row += len(read)


def _feature(line: bytes) -> tuple[str | None, dict[str, Any]]:
    """Return a feature's geometry as text, None if it has none, and its properties."""
    try:
        feature = json.loads(line)
    except (ValueError, RecursionError):
        return "broken", {}
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return "broken", {}
    properties = feature.get("properties")
    values = dict(properties) if isinstance(properties, dict) else {}
    if "id" in feature and "id" not in values:
        values["id"] = feature["id"]
    geometry = feature.get("geometry")
    return None if geometry is None else json.dumps(geometry), values
