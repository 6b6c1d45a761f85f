"""Attributes as the .dbf of a Shapefile: rows of fixed width, laid out a batch at a time (dBase III, type 3).

How wide a column of texts is, is known only after the last row: until then the rows wait in a file beside.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

FLOAT_WIDTH, FLOAT_DECIMALS = 24, 15
"""The shortest text that gives a double back has 24 characters at most; GDAL takes the same width."""
INTEGER_WIDTHS = {True: 18, False: 9}
"""Of 64 bits, of fewer: by the width readers choose the type."""
VERSION = (3, 95, 7, 26)
"""dBase III, and the day that GDAL writes for a file that is to be the same on every run."""
NO_COLUMNS = pa.schema([("FID", pa.int32())])
"""A table needs a column."""


@dataclass
class DbfTable:
    """Takes record batches of integers, floating-point numbers and texts, then writes them."""

    schema: pa.Schema
    spool: Path
    rows: int = 0
    widths: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.widths = [_least_width(field.type) for field in self.schema]
        options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
        self._writer = pa.ipc.new_file(str(self.spool), self.schema, options=options)

    @property
    def size_bytes(self) -> int:
        """Size of the table, as far as it is known."""
        return self.rows * (1 + sum(self.widths)) + 32 * (1 + len(self.widths)) + 2

    def add(self, record: pa.RecordBatch) -> None:
        """Take rows."""
        for number, column in enumerate(record.columns):
            if pa.types.is_string(column.type):
                longest = pc.max(pc.binary_length(column)).as_py() or 0
            elif pa.types.is_integer(column.type):
                longest = _longest_integer(column)
            else:
                continue
            self.widths[number] = max(self.widths[number], longest)
        self._writer.write_batch(record)
        self.rows += record.num_rows

    def write(self, path: Path) -> None:
        """Write the table, and remove what waited beside it."""
        self._writer.close()
        with path.open("xb") as file, pa.ipc.open_file(pa.OSFile(str(self.spool))) as waiting:
            file.write(self._header())
            for number in range(waiting.num_record_batches):
                file.write(self._rows_of(waiting.get_batch(number)).data)
            file.write(b"\x1a")
        self.spool.unlink()

    def _header(self) -> bytes:
        head_bytes = 32 * (1 + len(self.schema)) + 1
        head = struct.pack("<4BIHH20x", *VERSION, self.rows, head_bytes, 1 + sum(self.widths))
        for column, width in zip(self.schema, self.widths, strict=True):
            kind = b"C" if pa.types.is_string(column.type) else b"N"
            decimals = FLOAT_DECIMALS if pa.types.is_floating(column.type) else 0
            head += struct.pack("<11sc4xBB14x", column.name.encode()[:10], kind, width, decimals)
        return head + b"\r"

    def _rows_of(self, record: pa.RecordBatch) -> NDArray[np.uint8]:
        rows = np.empty((record.num_rows, 1 + sum(self.widths)), np.uint8)
        rows[:, 0] = ord(" ")
        at = 1
        for column, width in zip(record.columns, self.widths, strict=True):
            rows[:, at : at + width] = _fixed(column, width)
            at += width
        return rows


def _least_width(kind: pa.DataType) -> int:
    if pa.types.is_floating(kind):
        return FLOAT_WIDTH
    return INTEGER_WIDTHS[kind.bit_width == 64] if pa.types.is_integer(kind) else 1


def _longest_integer(column: pa.Array) -> int:
    ends = pc.min_max(column)
    return max(len(str(ends["min"].as_py() or 0)), len(str(ends["max"].as_py() or 0)))


def _fixed(column: pa.Array, width: int) -> NDArray[np.uint8]:
    """Return (N, width) bytes: texts to the left, numbers to the right, and stars for no number."""
    if pa.types.is_string(column.type):
        texts = column.fill_null("")
        if not pc.all(pc.string_is_ascii(texts)).as_py():
            return _padded(texts, width)
        return _bytes_of(pc.ascii_rpad(texts, width), width)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_finite(column), column, None)
    return _bytes_of(pc.ascii_lpad(column.cast(pa.string()).fill_null("*" * width), width), width)


def _bytes_of(texts: pa.Array, width: int) -> NDArray[np.uint8]:
    """Return the bytes of texts that all have `width` of them."""
    first = np.frombuffer(texts.buffers()[1], np.int32, 1, 4 * texts.offset)[0] if len(texts) else 0
    return np.frombuffer(texts.buffers()[2] or b"", np.uint8, len(texts) * width, first).reshape(-1, width)


def _padded(texts: pa.Array, width: int) -> NDArray[np.uint8]:
    """Pad texts by their bytes in UTF-8, which Arrow would count as letters."""
    padded = b"".join([text.encode().ljust(width) for text in texts.to_pylist()])
    return np.frombuffer(padded, np.uint8).reshape(-1, width)
