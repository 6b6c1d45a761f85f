"""FlatGeobuf with its packed Hilbert R-tree, in little memory.

GDAL would hold a hundred megabytes and some hundred bytes a feature for its index. It writes the header here; the
features, their order and the tree are ours, by the format's description (flatgeobuf.org).
"""

import mmap
import shutil
import struct
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from processing.exports.arrow_batches import attribute_record, attribute_schema
from processing.exports.batches import GEOMETRY, FootprintBatch
from processing.exports.fgb_features import encoded, storable
from processing.exports.hilbert import hilbert_keys
from processing.exports.ogr_files import write_layer
from processing.exports.packed_tree import NODE_SIZE, tree_chunks

DRIVER = "FlatGeobuf"
MAGIC_BYTES = 8
ENVELOPE, FEATURES_COUNT, INDEX_NODE_SIZE = 1, 8, 9
"""Places of fields in the header's table."""
KEYED_ROWS = 65_536
COPIED_ROWS = 2048
"""Features gathered at once, from anywhere in the unordered file: as many pages of memory at worst."""


class _Boxes:
    """Each row's box in single precision, rounded outwards by at most 2 m, and the exact box around all."""

    def __init__(self) -> None:
        self._parts: list[NDArray[np.float32]] = []
        self.low, self.high = np.full(2, np.inf), np.full(2, -np.inf)

    def add(self, shapes: NDArray[np.object_]) -> None:
        """Remember the boxes of (N,) shapes, N > 0."""
        exact = shapely.bounds(shapes)
        self.low = np.minimum(self.low, exact[:, :2].min(0))
        self.high = np.maximum(self.high, exact[:, 2:].max(0))
        self._parts.append(_rounded_outwards(exact))

    def together(self) -> NDArray[np.float32]:
        """Return all (N, 4) boxes, and forget the parts."""
        whole = np.concatenate(self._parts) if self._parts else np.zeros((0, 4), np.float32)
        self._parts.clear()
        return whole


def _rounded_outwards(exact: NDArray[np.float64]) -> NDArray[np.float32]:
    near = exact.astype(np.float32)
    infinity = np.float32(np.inf)
    low = np.where(near[:, :2] > exact[:, :2], np.nextafter(near[:, :2], -infinity), near[:, :2])
    high = np.where(near[:, 2:] < exact[:, 2:], np.nextafter(near[:, 2:], infinity), near[:, 2:])
    return np.concatenate([low, high], axis=1)


def write_fgb(path: Path, batches: Iterable[FootprintBatch]) -> None:
    """Write one layer with its index; the unordered features lie beside it meanwhile.

    Where a shape is empty there is no index: an empty shape has no place in it.
    """
    source = iter(batches)
    first = next(source, None)
    schema = storable(pa.schema([]) if first is None else attribute_schema(first))
    body = path.with_suffix(".body")
    boxes, sizes = _Boxes(), [np.zeros(0, np.int64)]
    with body.open("xb") as features:
        for batch in chain([] if first is None else [first], source):
            if len(batch.shapes):
                boxes.add(batch.shapes)
                sizes.append(_write_features(features, batch, schema))
    has_places = bool(np.isfinite(boxes.low).all())
    head = _head(path.with_suffix(".head.fgb"), schema, with_index=has_places)
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))])
    with body.open("rb") as features, path.open("xb") as target:
        if has_places:
            _join(head, features, starts, boxes, target)
        else:
            target.write(head)
            shutil.copyfileobj(features, target)
    body.unlink()


def _write_features(features: BinaryIO, batch: FootprintBatch, schema: pa.Schema) -> NDArray[np.int64]:
    """Write a batch's features; return the (N,) sizes."""
    written = encoded(batch.shapes, attribute_record(batch, schema))
    _, offsets, data = written.buffers()
    ends = np.frombuffer(offsets, np.int32, len(written) + 1)
    features.write(memoryview(data)[: ends[-1]])
    return np.diff(ends).astype(np.int64)


def _head(path: Path, attributes: pa.Schema, *, with_index: bool) -> bytes:
    """Have GDAL write a header, for one row that goes with it."""
    schema = attributes.append(pa.field(GEOMETRY, pa.binary()))
    rows = [_one_row(schema)] if with_index else []
    write_layer(path, DRIVER, schema, iter(rows), SPATIAL_INDEX="YES" if with_index else "NO")
    head = path.read_bytes()
    path.unlink()
    return head


def _one_row(schema: pa.Schema) -> pa.RecordBatch:
    """Return a row that makes GDAL write a header with a count, a box and an index."""
    wkb = shapely.to_wkb(shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]))
    columns = [pa.nulls(1, field.type) if field.name != GEOMETRY else pa.array([wkb]) for field in schema]
    return pa.record_batch(columns, schema=schema)


def _join(head: bytes, features: BinaryIO, starts: NDArray[np.int64], boxes: _Boxes, target: BinaryIO) -> None:
    """Write header, tree and features along the curve; `starts` are (N + 1,) places in `features`."""
    bounds = boxes.together()
    order = _order(bounds)
    target.write(_header(head, boxes, len(bounds)))
    for nodes in tree_chunks(bounds, order, starts[order + 1] - starts[order]):
        target.write(nodes.data)
    with mmap.mmap(features.fileno(), 0, access=mmap.ACCESS_READ) as view:
        for at in range(0, len(order), COPIED_ROWS):
            chosen = order[at : at + COPIED_ROWS]
            spans = zip(starts[chosen].tolist(), starts[chosen + 1].tolist(), strict=True)
            target.write(b"".join([view[start:end] for start, end in spans]))
            view.madvise(mmap.MADV_DONTNEED)  # pages that were looked at would count as ours


def _order(bounds: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the (N,) numbers of the boxes by the places of their centres along the curve."""
    keys = np.empty(len(bounds), np.uint64)
    for at in range(0, len(bounds), KEYED_ROWS):
        part = bounds[at : at + KEYED_ROWS].astype(np.float64)
        keys[at : at + KEYED_ROWS] = hilbert_keys((part[:, :2] + part[:, 2:]) / 2)
    order: NDArray[np.int64] = np.argsort(keys, kind="stable")
    return order


def _header(head: bytes, boxes: _Boxes, count: int) -> bytes:
    """Take the one-row file's header, and put in the true count and box."""
    size = MAGIC_BYTES + 4 + struct.unpack_from("<I", head, MAGIC_BYTES)[0]
    header = bytearray(head[:size])
    envelope = _field(header, ENVELOPE)
    values = envelope + struct.unpack_from("<I", header, envelope)[0] + 4
    struct.pack_into("<4d", header, values, *boxes.low, *boxes.high)
    struct.pack_into("<Q", header, _field(header, FEATURES_COUNT), count)
    node_size = _field(header, INDEX_NODE_SIZE, required=False)
    if node_size and struct.unpack_from("<H", header, node_size)[0] != NODE_SIZE:
        raise ValueError("the header announces another size of node")
    return bytes(header)


def _field(header: bytearray, number: int, *, required: bool = True) -> int:
    """Return where a field of the header's table lies (FlatBuffers: a table points back to the list of its fields)."""
    start = MAGIC_BYTES + 4
    table = start + struct.unpack_from("<I", header, start)[0]
    fields = table - struct.unpack_from("<i", header, table)[0]
    offset = struct.unpack_from("<H", header, fields + 4 + 2 * number)[0]
    if required and not offset:
        raise ValueError(f"the header has no field {number}")
    return table + offset if offset else 0
