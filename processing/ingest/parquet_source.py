"""GeoParquet: batches out of row groups, with the CRS of its metadata."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS
from pyproj.exceptions import CRSError

from processing.errors import CrsUnusable, VectorTooLarge, VectorUnreadable
from processing.ingest.options import IngestBudget
from processing.ingest.vector_source import SourceRows, VectorSource, attributes_of, refuse_wide, shapes_of_wkb

USUAL_NAMES = ("geometry", "wkb_geometry", "geom", "wkb")
BUFFER_BYTES = 2**20
RATIO_MAX = 300
"""Of a column's values without a fixed size. A page of them is unpacked as a whole, and one may be the whole column;
geometries shrink to a third, and what repeats is written once, as a dictionary."""


@contextmanager
def open_parquet(path: Path, *, name: str, budget: IngestBudget) -> Iterator[VectorSource]:
    """Open a GeoParquet file, or a Parquet file with a column of WKB. Raises `VectorUnreadable`,
    `VectorTooLarge`, `CrsUnusable`."""
    try:
        # Without pre-buffering the pages of a column come one after the other: a row group may be the whole file.
        file = pq.ParquetFile(path, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise VectorUnreadable(name=name, detail=f"as Parquet: {error}") from error
    with file:
        geo = _metadata(file, name)
        refuse_wide(len(file.schema_arrow.names), name, budget)
        column = _geometry_column(file.schema_arrow, geo, name)
        columns = _attribute_columns(file.schema_arrow, column, geo)
        _refuse_what_grows(file, name, budget.batch_bytes)
        yield VectorSource(
            crs=_crs(geo, column, name),
            columns=tuple(columns),
            rows=_rows(file, column, columns, name, _batch_rows(file, budget)),
            rows_announced=file.metadata.num_rows,
        )


def _metadata(file: pq.ParquetFile, name: str) -> dict[str, Any]:
    text = (file.metadata.metadata or {}).get(b"geo")
    if text is None:
        return {}
    try:
        geo = json.loads(text)
        if not isinstance(geo["columns"][geo["primary_column"]], dict):
            raise TypeError("the primary column is not described")
    except (ValueError, KeyError, TypeError) as error:
        raise VectorUnreadable(name=name, detail=f"its geo metadata are damaged ({error})") from error
    return dict(geo)


def _geometry_column(schema: pa.Schema, geo: dict[str, Any], name: str) -> str:
    binary = [field.name for field in schema if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)]
    if not geo:
        found = [usual for usual in USUAL_NAMES if usual in binary]
        if not found:
            raise VectorUnreadable(name=name, detail="it is Parquet without a column of geometries")
        return found[0]
    column = str(geo["primary_column"])
    encoding = geo["columns"][column].get("encoding")
    if encoding != "WKB" or column not in binary:
        raise VectorUnreadable(name=name, detail=f"its geometries are encoded as {encoding}; only WKB is read")
    return column


def _attribute_columns(schema: pa.Schema, geometry: str, geo: dict[str, Any]) -> list[str]:
    """Leave out further geometries, bytes, and the boxes that only serve to find rows."""
    covering = geo.get("columns", {}).get(geometry, {}).get("covering") or {}
    boxes = {str(paths["xmin"][0]) for paths in covering.values() if paths.get("xmin")}
    hidden = {geometry, *boxes, *geo.get("columns", {})}
    return [
        field.name
        for field in schema
        if field.name not in hidden and not pa.types.is_binary(field.type) and not pa.types.is_large_binary(field.type)
    ]


def _refuse_what_grows(file: pq.ParquetFile, name: str, harmless_bytes: int) -> None:
    """Raise `VectorTooLarge` for a column that unpacks to many times its size, by what the footer says."""
    for group in range(file.metadata.num_row_groups):
        chunks = file.metadata.row_group(group)
        for chunk in map(chunks.column, range(chunks.num_columns)):
            unpacked, packed = chunk.total_uncompressed_size, chunk.total_compressed_size
            large = chunk.physical_type == "BYTE_ARRAY" and unpacked > harmless_bytes
            if large and unpacked > RATIO_MAX * max(packed, 1):
                raise VectorTooLarge(name=name, limit=f"{RATIO_MAX} times its size when it is unpacked")


def _crs(geo: dict[str, Any], column: str, name: str) -> CRS | None:
    """GeoParquet says: no `crs` means longitude and latitude; null means unknown."""
    if not geo:
        return None
    crs = geo["columns"][column].get("crs", "OGC:CRS84")
    try:
        return None if crs is None else CRS.from_user_input(crs)
    except (CRSError, ValueError) as error:
        raise CrsUnusable(name=name, detail=str(error).splitlines()[0]) from error


def _batch_rows(file: pq.ParquetFile, budget: IngestBudget) -> int:
    """Return how many rows fit into a batch where they are largest: a batch is unpacked as a whole."""
    groups = [file.metadata.row_group(at) for at in range(file.metadata.num_row_groups)]
    row_bytes = max((group.total_byte_size / max(group.num_rows, 1) for group in groups), default=1.0)
    return max(1, min(budget.batch_rows, int(budget.batch_bytes / max(row_bytes, 1.0))))


def _rows(file: pq.ParquetFile, geometry: str, columns: list[str], name: str, batch_rows: int) -> Iterator[SourceRows]:
    first_row = 1
    batches = file.iter_batches(batch_rows, columns=[*columns, geometry], use_threads=False)
    while True:
        try:
            batch = next(batches, None)
            if batch is None:
                return
            shapes, closed, present = shapes_of_wkb(batch.column(geometry))
            attributes = attributes_of(batch, columns)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise VectorUnreadable(name=name, detail=f"after row {first_row - 1}: {error}") from error
        yield SourceRows(first_row, shapes, closed, present, attributes)
        first_row += batch.num_rows
