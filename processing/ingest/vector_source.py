"""An opened file of footprints as batches of rows, whatever its format."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from processing.errors import VectorTooLarge
from processing.ingest.options import IngestBudget

Shapes = NDArray[np.object_]
"""(N,) shapely geometries, None among them."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Some rows that follow each other. Where a geometry is None, `present` tells a broken one from a missing one."""

    first_row: int
    """The number of the first of them; the file's first row is 1."""
    shapes: Shapes
    closed: NDArray[np.bool_]
    """(N,) True where a ring had to be closed for the geometry to be read at all."""
    present: NDArray[np.bool_]
    """(N,) True where the file holds something in the place of a geometry."""
    attributes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class VectorSource:
    """A file that is open. `crs` is None where the file names none."""

    crs: CRS | None
    columns: tuple[str, ...]
    rows: Iterator[SourceRows] = field(repr=False)
    rows_announced: int | None = None
    """What the file's header says, if it says."""


def shapes_of_wkb(column: Any) -> tuple[Shapes, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return shapes, which of them had an open ring, and which had bytes at all; (N,) each.

    `column` is an Arrow array of WKB.
    """
    raw = column.to_numpy(zero_copy_only=False)
    present = np.array([value is not None for value in raw], bool)
    shapes = np.asarray(shapely.from_wkb(raw, on_invalid="ignore"), object)
    broken = np.flatnonzero(present & shapely.is_missing(shapes))
    closed = np.zeros(len(shapes), bool)
    if len(broken):
        mended = shapely.from_wkb(raw[broken], on_invalid="fix")
        shapes[broken] = mended
        closed[broken] = ~shapely.is_missing(mended)
    return shapes, closed, present


def attributes_of(batch: Any, columns: list[str]) -> list[dict[str, Any]]:
    """Return the rows of an Arrow record batch as plain values; times to the microsecond.

    Arrow makes nanoseconds into values of pandas where that is loaded, and fails where it is not.
    """
    if not columns:
        return [{} for _ in range(batch.num_rows)]
    chosen = batch.select(columns)
    schema = pa.schema([field.with_type(_in_microseconds(field.type)) for field in chosen.schema])
    if schema != chosen.schema:
        chosen = chosen.cast(schema, safe=False)
    rows: list[dict[str, Any]] = chosen.to_pylist()
    return rows


def _in_microseconds(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind) and kind.unit == "ns":
        return pa.duration("us")
    if pa.types.is_time64(kind):
        return pa.time64("us")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = kind.value_field.with_type(_in_microseconds(kind.value_type))
        return pa.list_(inner) if pa.types.is_list(kind) else pa.large_list(inner)
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_in_microseconds(field.type)) for field in kind])
    return kind


def refuse_wide(columns: int, name: str, budget: IngestBudget) -> None:
    """Raise `VectorTooLarge` for more columns than any honest table has."""
    if columns > budget.columns_max:
        raise VectorTooLarge(name=name, limit=f"{budget.columns_max:,} columns")


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=".ingest-", dir=parent) as folder:
        yield Path(folder)
