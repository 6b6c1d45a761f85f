"""Rows in memory, on their way into a segment."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.columns import CONFIDENCE_STEPS, NO_CONFIDENCE
from processing.footprint_index.compiling import compiled, read_only
from processing.footprint_index.morton import morton_codes
from processing.footprint_index.packing import pack_shapes


class PackedRows(NamedTuple):
    """N rows: the columns of `columns.ROW_COLUMNS`, and vertex_start (N + 1,), vertices (V, 2)."""

    x: NDArray[np.uint32]
    y: NDArray[np.uint32]
    ids: NDArray[np.int64]
    versions: NDArray[np.int32]
    area_m2: NDArray[np.float32]
    confidence: NDArray[np.uint16]
    sources: NDArray[np.uint32]
    created_s: NDArray[np.uint32]
    review: NDArray[np.uint8]
    scale: NDArray[np.int8]
    vertex_start: NDArray[np.int64]
    vertices: NDArray[np.int16]


def pack_rows(batch: FootprintBatch, sources: NDArray[np.uint32]) -> PackedRows:
    """Return a batch, which is not empty, as rows in Morton order. sources: (N,) ordinals."""
    shapes = pack_shapes(np.asarray(batch.geometries, object))
    rows = PackedRows(
        x=shapes.x, y=shapes.y, scale=shapes.scale, vertex_start=shapes.vertex_start, vertices=shapes.vertices,
        ids=np.asarray(batch.ids, np.int64), versions=np.asarray(batch.versions, np.int32),
        area_m2=np.asarray(batch.area_m2, np.float32), confidence=confidence_steps(np.asarray(batch.confidence, float)),
        sources=sources, created_s=np.floor(np.asarray(batch.created_s, float)).astype(np.uint32),
        review=np.asarray(batch.review, np.uint8),
    )  # fmt: skip
    return in_morton_order(rows)


def confidence_steps(confidence: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return (N,) the last whole step that is not above each confidence, so that thresholds on steps are exact.

    NaN becomes `NO_CONFIDENCE`.
    """
    near = np.rint(confidence * CONFIDENCE_STEPS)
    steps = near - (near / CONFIDENCE_STEPS > confidence)
    return np.where(np.isnan(confidence), NO_CONFIDENCE, steps).astype(np.uint16)


def in_morton_order(rows: PackedRows) -> PackedRows:
    """Return the rows sorted by the Morton code of their centre."""
    order = np.argsort(morton_codes(read_only(rows.x), read_only(rows.y)), kind="stable")
    return take_rows(rows, order)


def take_rows(rows: PackedRows, chosen: NDArray[np.int64]) -> PackedRows:
    """Return the chosen rows, in their order."""
    chosen = np.ascontiguousarray(chosen, np.int64)
    lengths = np.diff(rows.vertex_start)[chosen]
    start = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    vertices = np.empty((start[-1], 2), np.int16)
    _gather(read_only(rows.vertex_start), read_only(rows.vertices), chosen, start, vertices)
    flat = {name: getattr(rows, name)[chosen] for name in PackedRows._fields[:10]}
    return PackedRows(**flat, vertex_start=start, vertices=vertices)


def join_rows(parts: list[PackedRows]) -> PackedRows:
    """Return the rows of all parts, one after the other."""
    lengths = np.concatenate([np.diff(part.vertex_start) for part in parts])
    flat = {name: np.concatenate([getattr(part, name) for part in parts]) for name in PackedRows._fields[:10]}
    start = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return PackedRows(**flat, vertex_start=start, vertices=np.concatenate([part.vertices for part in parts]))


@compiled
def _gather(start: Any, vertices: Any, chosen: Any, to: Any, out: Any) -> None:
    for index in range(chosen.size):
        first = start[chosen[index]]
        for at in range(to[index + 1] - to[index]):
            out[to[index] + at, 0] = vertices[first + at, 0]
            out[to[index] + at, 1] = vertices[first + at, 1]
