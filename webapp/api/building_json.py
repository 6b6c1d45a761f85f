"""Buildings as GeoJSON, written as text: whole columns at a time, and no object for each building in between."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from processing.exports.batches import to_batches
from webapp.services.footprint_edits import FootprintDetail

TEXTS = ("job_id", "scene_id", "reg_method", "review_state", "weights", "weights_sha256", "source_id", "source_name")
NUMBERS = ("area_m2", "confidence", "gsd_m")
LISTED = (*("job_id", "scene_id", *NUMBERS), *TEXTS[2:], "created_at")
NS = 1_000_000_000
type Shapes = NDArray[np.object_]


def feature_texts(batch: pa.RecordBatch, moved: Callable[[Shapes], Shapes] | None = None) -> list[str]:
    """Return the features of a batch with WKB in `geometry`; `moved` puts shapes into another reference system."""
    texts: list[str] = []
    for piece in to_batches([batch]):
        shapes = piece.shapes if moved is None else moved(piece.shapes)
        columns = [_column(piece.attributes.column(name), name) for name in LISTED]
        ids = piece.attributes.column("id").to_pylist()
        rows = zip(ids, shapely.to_geojson(shapes).tolist(), *columns, strict=True)
        texts += [FEATURE % (*row, row[2].strip('"')) for row in rows]
    return texts


def collection(features: Sequence[str], links: list[dict[str, str]], matched: int | None) -> str:
    """Return the text of a FeatureCollection; `matched` None: nobody counted."""
    counts = f'"numberReturned": {len(features)}' + ("" if matched is None else f', "numberMatched": {matched}')
    opening = f'{{"type": "FeatureCollection", {counts}, "links": {json.dumps(links)}'
    return f'{opening}, "features": [{", ".join(features)}]}}'


def feature_of(detail: FootprintDetail, *, with_raw: bool) -> str:
    """Return the text of one feature, with the raw outline beside it where that is wanted."""
    raw = {"raw_geometry": detail.raw_geojson} if with_raw else {}
    feature = {"type": "Feature", "id": detail.id, "geometry": detail.geojson, "properties": detail.properties | raw}
    return json.dumps(feature, allow_nan=False)


def _template() -> str:
    properties = ", ".join(f'"{name}": %s' for name in LISTED)
    return (
        '{"type": "Feature", "id": %s, "geometry": %s, "properties": {'
        + properties
        + ', "job_url": "/api/v1/jobs/%s"}}'
    )


FEATURE = _template()


def _column(column: pa.Array, name: str) -> list[str]:
    """Return each value of a column as JSON. Few texts differ, so each is written once."""
    if name == "created_at":
        return list(map(_moment, column.cast(pa.int64()).to_pylist()))
    if name in NUMBERS:
        return ["null" if value is None else repr(value) for value in column.to_pylist()]
    known: dict[Any, str] = {None: "null"}
    return [known.get(value) or known.setdefault(value, json.dumps(value)) for value in column.to_pylist()]


def _moment(at_ns: int) -> str:
    """Return a time of nanoseconds since 1970, to the microsecond."""
    whole, rest_ns = divmod(at_ns + 500, NS)
    moment = datetime.fromtimestamp(whole, UTC).replace(microsecond=rest_ns // 1000)
    return f'"{moment.isoformat()}"'
