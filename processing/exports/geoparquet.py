"""GeoParquet 1.1 with a bounding box column that readers can filter by."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from geopandas import GeoDataFrame
from pyproj import CRS

from processing.exports.arrow_batches import GEOMETRY, arrow_batches

CORNERS = ("xmin", "ymin", "xmax", "ymax")
BBOX_TYPE = pa.struct([(corner, pa.float64()) for corner in CORNERS])


def write_geoparquet(path: Path, batches: Iterable[GeoDataFrame]) -> None:
    """Write one row group for each batch."""
    schema, records = arrow_batches(batches, multi=False)
    with_bbox = schema.append(pa.field("bbox", BBOX_TYPE))
    bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])
    with pq.ParquetWriter(path, with_bbox, compression="zstd") as writer:
        for record in records:
            boxes = shapely.bounds(shapely.from_wkb(record.column(GEOMETRY).to_numpy(zero_copy_only=False)))
            column = pa.StructArray.from_arrays([pa.array(boxes[:, at]) for at in range(4)], fields=list(BBOX_TYPE))
            writer.write_batch(pa.record_batch([*record.columns, column], schema=with_bbox))
            if len(boxes):
                bounds = np.concatenate(
                    [np.fmin(bounds[:2], boxes[:, :2].min(0)), np.fmax(bounds[2:], boxes[:, 2:].max(0))]
                )
        writer.add_key_value_metadata({"geo": json.dumps(_metadata(bounds))})


def _metadata(bounds: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> dict[str, object]:
    column: dict[str, object] = {
        "encoding": "WKB",
        "geometry_types": ["Polygon", "MultiPolygon"],
        "crs": json.loads(CRS.from_authority("OGC", "CRS84").to_json()),
        "edges": "planar",
        "covering": {"bbox": {corner: ["bbox", corner] for corner in CORNERS}},
    }
    if np.isfinite(bounds).all():
        column["bbox"] = bounds.tolist()
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
