"""Footprints as the features of a FlatGeobuf, a batch at a time, put together from columns of bytes.

Most footprints are polygons of one ring. Their points are in the file as they are in WKB, and are copied from it; all
other shapes are laid out word by word.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from processing.exports.arrow_batches import attribute_record
from processing.exports.batches import FootprintBatch
from processing.exports.binary_columns import BYTES, fixed_width, of_offsets, offsets_and_bytes, side_by_side
from processing.exports.fgb_geometry import POLYGON, heads_of_rings, words_of_shapes
from processing.exports.fgb_properties import property_columns
from processing.exports.rings import runs

WKB_HEAD = np.dtype([("order", "u1"), ("kind", "<u4"), ("rings", "<u4"), ("points", "<u4")])
POINT_BYTES = 16


@dataclass(frozen=True)
class Features:
    """N features: their bytes, and (N, 4) boxes in degrees (NaN: empty)."""

    data: pa.Array
    boxes: NDArray[np.float64]


def encoded(batch: FootprintBatch, schema: pa.Schema) -> Features:
    """Return the features of a batch, with its attributes in a schema of `storable` types as properties."""
    property_bytes, properties = property_columns(attribute_record(batch, schema))
    shapes, boxes = _shape_columns(batch, property_bytes)
    return Features(side_by_side([*shapes, *properties]), boxes)


def _shape_columns(
    batch: FootprintBatch, property_bytes: NDArray[np.int64]
) -> tuple[list[pa.Array], NDArray[np.float64]]:
    """Return all that comes before the (N,) properties, in columns to be joined, and the (N, 4) boxes."""
    wkb = batch.wkb.cast(BYTES)
    is_ring = _is_one_ring(wkb)
    outlines = Outlines.of(wkb.filter(pa.array(is_ring)))
    if not outlines.on_earth.all():
        is_ring[is_ring] = outlines.on_earth
        outlines = Outlines.of(wkb.filter(pa.array(is_ring)))
    rows, others = np.flatnonzero(is_ring), np.flatnonzero(~is_ring)
    heads = heads_of_rings(outlines.sizes, property_bytes[rows])
    columns = [fixed_width(heads), of_offsets(POINT_BYTES * outlines.ends_from_0, outlines.points)]
    if not len(others):
        return columns, outlines.boxes
    shapes = replace(batch, wkb=batch.wkb.take(pa.array(others))).shapes
    words, starts = words_of_shapes(shapes, property_bytes[others])
    order = np.argsort(np.concatenate([rows, others]))
    mixed = pa.concat_arrays([side_by_side(columns), of_offsets(4 * starts, words)]).take(pa.array(order))
    return [mixed], np.concatenate([outlines.boxes, shapely.bounds(shapes)])[order]


def _is_one_ring(wkb: pa.Array) -> NDArray[np.bool_]:
    """Tell for each WKB whether it is a polygon of one ring, in little-endian order and two dimensions."""
    offsets, data = offsets_and_bytes(wkb)
    sizes = np.diff(offsets)
    found = sizes >= WKB_HEAD.itemsize + POINT_BYTES
    heads = data[offsets[:-1][found, None] + np.arange(WKB_HEAD.itemsize)].view(WKB_HEAD)[:, 0]
    is_ring = (heads["order"] == 1) & (heads["kind"] == POLYGON) & (heads["rings"] == 1)
    found[found] = is_ring & (WKB_HEAD.itemsize + POINT_BYTES * heads["points"].astype(np.int64) == sizes[found])
    return found


@dataclass(frozen=True)
class Outlines:
    """The rings of (N,) polygons of one ring each, counter-clockwise."""

    points: NDArray[np.float64]
    """(points, 2) degrees, ring after ring."""
    ends_from_0: NDArray[np.int64]
    """(N + 1,) number of points before each ring, and of all."""
    boxes: NDArray[np.float64]

    @classmethod
    def of(cls, wkb: pa.Array) -> "Outlines":
        """Take the points of WKB that `_is_one_ring`."""
        offsets, data = offsets_and_bytes(wkb)
        # each piece is a head and its points; every second one is copied
        halves = np.append(np.column_stack([offsets[:-1], offsets[:-1] + WKB_HEAD.itemsize]), offsets[-1])
        points = of_offsets(halves, data).take(pa.array(np.arange(1, 2 * len(wkb), 2)))
        ends, data = offsets_and_bytes(points)
        whole = data[: ends[-1]].view("<f8").reshape(-1, 2)
        return _turned(whole, ends // POINT_BYTES)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Return the number of points of each ring."""
        return np.diff(self.ends_from_0)

    @property
    def on_earth(self) -> NDArray[np.bool_]:
        """Tell which rings lie within ±180°."""
        found: NDArray[np.bool_] = (self.boxes[:, 0] >= -180.0) & (self.boxes[:, 2] <= 180.0)
        return found


def _turned(points: NDArray[np.float64], ends: NDArray[np.int64]) -> Outlines:
    """Return the rings with those turned round that run clockwise."""
    starts, sizes = ends[:-1], np.diff(ends)
    if not len(starts):
        return Outlines(points, ends, np.zeros((0, 4)))
    # an area is worked out from a ring's own first point, or its digits are lost among those of the degrees
    x, y = (points - np.repeat(points[starts], sizes, axis=0)).T
    doubled = np.zeros(len(points))
    doubled[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    doubled[ends[1:] - 1] = 0.0
    clockwise = np.add.reduceat(doubled, starts) < 0.0
    if clockwise.any():
        turned = np.arange(len(points))
        places = runs(starts[clockwise], sizes[clockwise])
        turned[places] = np.repeat((starts + ends[1:] - 1)[clockwise], sizes[clockwise]) - places
        points = points[turned]
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    return Outlines(points, ends, np.concatenate([low, high], axis=1))
