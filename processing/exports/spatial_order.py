"""Rows along a Hilbert curve in bounded memory: sorted runs on disk, read back group by group."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

RUN_BYTES = 8 * 2**20
"""A run is sorted in memory, which holds it twice meanwhile."""
CHUNK_ROWS = 256
"""What is read from a run at once. A row group takes a few chunks of each run, whole ones at both ends: of a million
rows' forty runs they would be 25 MB with 1024 rows a chunk."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One sorted run: its file, and the (N,) keys of its rows."""

    path: Path
    keys: NDArray[np.uint64]


def in_spatial_order(
    keyed: Iterable[tuple[pa.RecordBatch, NDArray[np.uint64]]], schema: pa.Schema, folder: Path, group_rows: int
) -> Iterator[pa.Table]:
    """Yield all rows by key in tables of `group_rows`; the last may be smaller.

    `keyed` gives batches of `schema` with a key for each row; equal keys keep their order. Memory: one run or one
    group, and eight bytes a row.
    """
    runs = list(_sorted_runs(keyed, schema, folder))
    if not runs:
        return
    edges = _edges(runs, group_rows)
    files = [pa.ipc.open_file(pa.OSFile(str(run.path))) for run in runs]
    starts = np.zeros(len(runs), np.int64)
    for edge in [*edges, None]:
        ends = [len(run.keys) if edge is None else int(np.searchsorted(run.keys, np.uint64(edge))) for run in runs]
        pieces = [_rows(file, int(a), b) for file, a, b in zip(files, starts, ends, strict=True)]
        keys = np.concatenate([run.keys[a:b] for run, a, b in zip(runs, starts, ends, strict=True)])
        starts = np.array(ends)
        if len(keys):
            group = pa.concat_tables(pieces).take(np.argsort(keys, kind="stable"))
            del pieces
            yield group
            del group  # before the next one is read


def _edges(runs: list[_Run], group_rows: int) -> list[int]:
    """Return the key at which each group but the first begins."""
    every_key = np.concatenate([run.keys for run in runs])
    every_key.sort()
    edges: list[int] = every_key[group_rows::group_rows].tolist()
    return edges


def _sorted_runs(
    keyed: Iterable[tuple[pa.RecordBatch, NDArray[np.uint64]]], schema: pa.Schema, folder: Path
) -> Iterator[_Run]:
    batches: list[pa.RecordBatch] = []
    keys: list[NDArray[np.uint64]] = []
    count = 0
    for batch, batch_keys in keyed:
        batches.append(batch)
        keys.append(batch_keys)
        if sum(held.nbytes for held in batches) >= RUN_BYTES:
            yield _write_run(folder / f"run-{count}", schema, batches, keys)
            count += 1
    if batches:
        yield _write_run(folder / f"run-{count}", schema, batches, keys)


def _write_run(path: Path, schema: pa.Schema, batches: list[pa.RecordBatch], keys: list[NDArray[np.uint64]]) -> _Run:
    """Sort what is held, write it in small chunks, and let go of it."""
    run_keys = np.concatenate(keys)
    order = np.argsort(run_keys, kind="stable")
    table = pa.Table.from_batches(batches, schema)
    batches.clear()
    keys.clear()
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    with pa.ipc.new_file(str(path), schema, options=options) as writer:
        for start in range(0, len(order), CHUNK_ROWS):
            writer.write_table(table.take(order[start : start + CHUNK_ROWS]).combine_chunks(), CHUNK_ROWS)
    return _Run(path, run_keys[order])


def _rows(file: pa.ipc.RecordBatchFileReader, start: int, end: int) -> pa.Table:
    """Read rows start to end of a run."""
    if start >= end:
        return file.schema.empty_table()
    first, last = start // CHUNK_ROWS, (end - 1) // CHUNK_ROWS
    chunks = [file.get_batch(number) for number in range(first, last + 1)]
    return pa.Table.from_batches(chunks, file.schema).slice(start - first * CHUNK_ROWS, end - start)
