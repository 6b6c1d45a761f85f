"""One segment is one file: a header that says where each column lies, and the columns, to be mapped into memory.

The rows are written in any number of pieces; `finish` derives the rest from them, writes the header and makes all of it
durable. A file without a header is a leftover.
"""

import json
import mmap
import os
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from processing.errors import FootprintIndexDamaged
from processing.footprint_index.cells import build_cells
from processing.footprint_index.columns import (
    AREA_BINS,
    BLOCK,
    CELL_COLUMNS,
    CONFIDENCE_BINS,
    ROW_COLUMNS,
    SUPERBLOCK,
    Cells,
    Columns,
)
from processing.footprint_index.passing import ALL_PASS
from processing.footprint_index.rows import PackedRows
from processing.footprint_index.summaries import merged_boxes, summarize_blocks, summarize_superblocks

FORMAT = 1
MOST_VERTICES = 2**32 - 1
_HEADER_BYTES = 8192
_ALIGNMENT = 64
NO_DEAD = np.zeros(0, np.uint8)
NO_DEAD.flags.writeable = False

Place = tuple[str, int, tuple[int, ...]]


class SegmentWriter:
    """Writes one segment of known size."""

    def __init__(self, path: Path, row_count: int, vertex_count: int) -> None:
        """Begin a new file. Raises `OSError` where it cannot be written."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        self._places: dict[str, Place] = {}
        self._end = _HEADER_BYTES
        self._rows = self._vertices = 0
        self._row_count = row_count
        for name, kind in ROW_COLUMNS.items():
            self._reserve(name, kind, (row_count,))
        self._reserve("vertex_start", np.uint32, (row_count + 1,))
        self._reserve("vertices", np.int16, (vertex_count, 2))
        self._write("vertex_start", np.zeros(1, np.uint32), 0)

    def append(self, rows: PackedRows) -> None:
        """Write the next rows, in Morton order."""
        for name, kind in ROW_COLUMNS.items():
            self._write(name, getattr(rows, name).astype(kind, copy=False), self._rows)
        self._write("vertex_start", (rows.vertex_start[1:] + self._vertices).astype(np.uint32), self._rows + 1)
        self._write("vertices", rows.vertices, self._vertices)
        self._rows += len(rows.x)
        self._vertices += len(rows.vertices)

    def finish(self) -> None:
        """Derive the blocks and cells, and make the file durable."""
        os.ftruncate(self._file, self._end)
        mapped = mmap.mmap(self._file, self._end, access=mmap.ACCESS_READ)
        known = {name: _view(mapped, place) for name, place in self._places.items()}
        derived = _derived(known, self._row_count)
        for name, column in derived.items():
            self._reserve(name, column.dtype, column.shape)
            self._write(name, column, 0)
        cells = build_cells_of(Columns(**known, **derived, dead=NO_DEAD))
        for name, column in cells._asdict().items():
            self._reserve(_CELL_PREFIX + name, column.dtype, column.shape)
            self._write(_CELL_PREFIX + name, column, 0)
        os.ftruncate(self._file, self._end)
        header = json.dumps({"format": FORMAT, "bytes": self._end, "columns": self._places}).encode()
        os.pwrite(self._file, header.ljust(_HEADER_BYTES), 0)
        os.fsync(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        os.close(self._file)

    def _reserve(self, name: str, kind: Any, shape: tuple[int, ...]) -> None:
        self._places[name] = (np.dtype(kind).str, self._end, shape)
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        self._end = -(-(self._end + size) // _ALIGNMENT) * _ALIGNMENT

    def _write(self, name: str, values: NDArray[Any], first: int) -> None:
        kind, offset, shape = self._places[name]
        row_bytes = np.dtype(kind).itemsize * int(np.prod(shape[1:]))
        data = memoryview(np.ascontiguousarray(values).reshape(-1).view(np.uint8))
        offset += first * row_bytes
        while data:
            written = os.pwrite(self._file, data[: 2**30], offset)
            data, offset = data[written:], offset + written


_CELL_PREFIX = "cell_"


def open_segment(path: Path) -> tuple[Columns, Cells]:
    """Map a finished segment. Raises `FileNotFoundError`, and `FootprintIndexDamaged` where it is not whole."""
    with path.open("rb") as file:
        try:
            header = json.loads(file.read(_HEADER_BYTES))
            whole = header["format"] == FORMAT and header["bytes"] == os.fstat(file.fileno()).st_size
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise FootprintIndexDamaged(name=path.name, detail="it is not a whole segment")
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        columns = {name: _view(mapped, place) for name, place in header["columns"].items()}
        cells = {name: columns.pop(_CELL_PREFIX + name) for name in ("start", *CELL_COLUMNS)}
        return Columns(**columns, dead=NO_DEAD), Cells(**cells)
    except (KeyError, TypeError, ValueError) as error:  # written by another version of this code
        raise FootprintIndexDamaged(name=path.name, detail=f"it has other columns ({error})") from error


def build_cells_of(columns: Columns) -> Cells:
    """Return the cells of all rows that are alive."""
    return build_cells(columns, ALL_PASS)


def _view(mapped: mmap.mmap, place: Place) -> NDArray[Any]:
    kind, offset, shape = place
    count = int(np.prod(shape))
    return np.frombuffer(mapped, np.dtype(kind), count, offset if count else 0).reshape(shape)


def _derived(known: dict[str, NDArray[Any]], row_count: int) -> dict[str, NDArray[Any]]:
    blocks, superblocks = -(-row_count // BLOCK), -(-row_count // SUPERBLOCK)
    shape, centre = np.empty((blocks, 4), np.int64), np.empty((blocks, 4), np.uint32)
    boxes = known["x"], known["y"], known["scale"]
    summarize_blocks(boxes, known["vertex_start"], known["vertices"], shape, centre)
    sums = np.zeros(superblocks), np.zeros(superblocks, np.int64)
    bins = np.zeros((superblocks, AREA_BINS), np.int32), np.zeros((superblocks, CONFIDENCE_BINS), np.int32)
    summarize_superblocks(known["area_m2"], known["confidence"], sums, bins)
    per_superblock = SUPERBLOCK // BLOCK
    derived: dict[str, NDArray[Any]] = {
        "id_rows": np.argsort(known["ids"], kind="stable").astype(np.uint32),
        "block_shape": shape, "block_centre": centre,
        "super_shape": merged_boxes(shape, per_superblock), "super_centre": merged_boxes(centre, per_superblock),
        "super_area_m2": sums[0], "super_confidence": sums[1],
        "super_area_bins": bins[0], "super_confidence_bins": bins[1],
    }  # fmt: skip
    for column in derived.values():
        column.flags.writeable = False
    return derived
