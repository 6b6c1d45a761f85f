"""An opened file of footprints as batches of rows, whatever its format."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
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


def refuse_wide(columns: int, name: str, budget: IngestBudget) -> None:
    """Raise `VectorTooLarge` for more columns than any honest table has."""
    if columns > budget.columns_max:
        raise VectorTooLarge(name=name, limit=f"{budget.columns_max:,} columns")


@contextmanager
def scratch_folder(parent: Path | None) -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=".ingest-", dir=parent) as folder:
        yield Path(folder)
