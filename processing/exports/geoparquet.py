"""GeoParquet 1.1: rows along a Hilbert curve, and a bounding box column by which readers skip row groups."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from processing.exports.arrow_batches import arrow_batches
from processing.exports.batches import GEOMETRY, FootprintBatch
from processing.exports.hilbert import hilbert_keys
from processing.exports.spatial_order import in_spatial_order

CORNERS = ("xmin", "ymin", "xmax", "ymax")
BBOX_TYPE = pa.struct([(corner, pa.float64()) for corner in CORNERS])
ROW_GROUP_ROWS = 30_000
"""Small enough that the boxes of row groups let a reader skip most of a city."""


class _Bounds:
    """The box around everything so far."""

    def __init__(self) -> None:
        self.low, self.high = np.full(2, np.inf), np.full(2, -np.inf)

    def add(self, boxes: NDArray[np.float64]) -> None:
        if len(boxes):
            self.low = np.fmin(self.low, boxes[:, :2].min(0))
            self.high = np.fmax(self.high, boxes[:, 2:].max(0))


def write_geoparquet(path: Path, batches: Iterable[FootprintBatch]) -> None:
    """Write the file; sorted runs lie beside it meanwhile."""
    schema, records = arrow_batches(batches, multi=False)
    with_bbox = schema.append(pa.field("bbox", BBOX_TYPE))
    bounds = _Bounds()
    with (
        tempfile.TemporaryDirectory(prefix=".runs-", dir=path.parent) as runs,
        pq.ParquetWriter(path, with_bbox, compression="zstd", write_page_index=True) as writer,
    ):
        keyed = _with_boxes(records, with_bbox, bounds)
        for table in in_spatial_order(keyed, with_bbox, Path(runs), ROW_GROUP_ROWS):
            writer.write_table(table, row_group_size=len(table))
        writer.add_key_value_metadata({"geo": json.dumps(_metadata(bounds))})


def _with_boxes(
    records: Iterator[pa.RecordBatch], schema: pa.Schema, bounds: _Bounds
) -> Iterator[tuple[pa.RecordBatch, NDArray[np.uint64]]]:
    """Add each row's box, and give its centre's place along the curve."""
    for record in records:
        boxes = shapely.bounds(shapely.from_wkb(record.column(GEOMETRY).to_numpy(zero_copy_only=False)))
        column = pa.StructArray.from_arrays([pa.array(boxes[:, at]) for at in range(4)], fields=list(BBOX_TYPE))
        bounds.add(boxes)
        yield (
            pa.record_batch([*record.columns, column], schema=schema),
            hilbert_keys((boxes[:, :2] + boxes[:, 2:]) / 2),
        )


def _metadata(bounds: _Bounds) -> dict[str, object]:
    column: dict[str, object] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon", "MultiPolygon"],
        "crs": json.loads(CRS.from_authority("OGC", "CRS84").to_json()),
        "orientation": "counterclockwise",
        "edges": "planar",
        "covering": {"bbox": {corner: ["bbox", corner] for corner in CORNERS}},
    }
    if np.isfinite(bounds.low).all():
        column["bbox"] = [*bounds.low.tolist(), *bounds.high.tolist()]
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
