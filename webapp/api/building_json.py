"""Buildings as GeoJSON."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import shapely

from webapp.services.footprint_edits import FootprintDetail

LISTED = (
    *("job_id", "scene_id", "area_m2", "confidence", "reg_method", "review_state", "gsd_m", "weights"),
    *("weights_sha256", "source_id", "source_name", "created_at"),
)


def features_of(batch: pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the features of a batch with WKB in `geometry`."""
    shapes = shapely.orient_polygons(shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False)))
    geometries = shapely.to_geojson(shapes)
    rows = batch.drop_columns(["geometry"]).to_pylist()
    return [_listed(row, json.loads(geometry)) for row, geometry in zip(rows, geometries, strict=True)]


def collection(features: list[dict[str, Any]], links: list[dict[str, str]], matched: int | None) -> str:
    """Return the text of a FeatureCollection; `matched` None: nobody counted."""
    counts = {"numberReturned": len(features)} | ({} if matched is None else {"numberMatched": matched})
    whole = {"type": "FeatureCollection", "features": features, "links": links} | counts
    return json.dumps(whole, allow_nan=False)


def feature_of(detail: FootprintDetail, *, with_raw: bool) -> str:
    """Return the text of one feature, with the raw outline beside it where that is wanted."""
    raw = {"raw_geometry": detail.raw_geojson} if with_raw else {}
    feature = {"type": "Feature", "id": detail.id, "geometry": detail.geojson, "properties": detail.properties | raw}
    return json.dumps(feature, allow_nan=False)


def _listed(row: Mapping[str, Any], geometry: dict[str, Any]) -> dict[str, Any]:
    properties = {name: row[name] for name in LISTED} | {
        "created_at": row["created_at"].isoformat(),
        "job_url": f"/api/v1/jobs/{row['job_id']}",
    }
    return {"type": "Feature", "id": row["id"], "geometry": geometry, "properties": properties}
