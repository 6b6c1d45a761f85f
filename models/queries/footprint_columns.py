"""Rows of PostGIS as Arrow columns, gathered by the server: a column comes as one value with the bytes of all rows.

A driver makes an object of each value of each row, which costs an export more than writing most of its formats.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, func, literal_column
from sqlalchemy.orm import Session

TEXT, NUMBER, DOUBLE, BYTES = pa.string(), pa.int64(), pa.float64(), pa.binary()
NOTHING: ColumnElement[Any] = literal_column("''::bytea")


type Columns = Mapping[str, tuple[ColumnElement[Any], pa.DataType]]


def gathering(columns: Columns, source: Select[Any]) -> Select[Any]:
    """Return the statement that gathers the named columns of all rows of `source`, with its joins and conditions.

    A column's type is one of `TEXT`, `NUMBER`, `DOUBLE` and `BYTES`. One statement reads them all, so that the rows
    are of one moment and in one order, which is the server's. PostgreSQL only.
    """
    return source.with_only_columns(*(part for column, kind in columns.values() for part in _parts(column, kind)))


def read_gathered(
    session: Session, kinds: Mapping[str, pa.DataType], statement: Select[Any], values: Mapping[str, Any]
) -> pa.RecordBatch:
    """Return what such a statement finds, given the types of its columns and the values of its parameters."""
    found = iter(session.connection().execute(statement, values).one())
    arrays = [_array(kind, next(found) or b"", next(found) or b"") for kind in kinds.values()]
    return pa.record_batch(arrays, names=list(kinds))


def _parts(column: ColumnElement[Any], kind: pa.DataType) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return how many bytes each row has (of numbers: whether it has any), and the bytes of what is not missing."""
    if kind in (NUMBER, DOUBLE):
        send = func.int8send if kind == NUMBER else func.float8send
        return _joined(func.boolsend(column.is_not(None))), _joined(send(column))
    content = func.convert_to(column, "UTF8") if kind == TEXT else column
    return _joined(func.int4send(func.coalesce(func.octet_length(content), -1))), _joined(content)


def _joined(values: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.string_agg(values, NOTHING)


def _array(kind: pa.DataType, rows: bytes, content: bytes) -> pa.Array:
    if kind in (NUMBER, DOUBLE):
        is_there = np.frombuffer(rows, np.bool_)
        return _numbers(kind, is_there, np.frombuffer(content, ">i8" if kind == NUMBER else ">f8"))
    lengths = np.frombuffer(rows, ">i4")
    offsets = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
    buffers = [_bitmap(lengths >= 0), pa.py_buffer(offsets), pa.py_buffer(content)]
    return pa.Array.from_buffers(kind, len(lengths), buffers)


def _numbers(kind: pa.DataType, is_there: NDArray[np.bool_], given: NDArray[Any]) -> pa.Array:
    values = np.zeros(len(is_there), given.dtype.newbyteorder("="))
    values[is_there] = given
    return pa.Array.from_buffers(kind, len(values), [_bitmap(is_there), pa.py_buffer(values)])


def _bitmap(is_there: NDArray[np.bool_]) -> pa.Buffer | None:
    return None if is_there.all() else pa.py_buffer(np.packbits(is_there, bitorder="little"))
