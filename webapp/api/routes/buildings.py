"""Footprints over HTTP: lists, sums and downloads."""

import json
from collections.abc import AsyncIterator, Iterator
from math import isfinite
from typing import Annotated

import anyio.to_thread
import shapely
from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.buildings import (
    BuildingsListQuery,
    BuildingsOut,
    BuildingsQuery,
    ExportQuery,
    StatisticsOut,
)
from webapp.services import exports, footprints

router = APIRouter(prefix="/api/v1/buildings", tags=["buildings"])
PROPERTIES = ("job_id", "scene_id", "area_m2", "confidence", "reg_method", "weights", "weights_sha256")
GEOJSON = "application/geo+json"


@router.get("", response_model=BuildingsOut, responses={200: {"content": {GEOJSON: {}}}})
def list_buildings(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[BuildingsListQuery, Query()]
) -> Response:
    """Return footprints as a GeoJSON FeatureCollection."""
    wanted = query.to_query()
    frame = footprints.list_footprints(resources, principal, wanted, query.limit)
    matched = len(frame) if len(frame) < query.limit else footprints.count(resources, principal, wanted)
    features = [
        {
            "type": "Feature",
            "id": int(row.id),
            "geometry": json.loads(shapely.to_geojson(row.geometry)),
            "properties": {name: getattr(row, name) for name in PROPERTIES}
            | {
                "gsd_m": row.gsd_m if isfinite(row.gsd_m) else None,
                "created_at": row.created_at.isoformat(),
                "job_url": f"/api/v1/jobs/{row.job_id}",
            },
        }
        for row in frame.itertuples()
    ]
    counts = {"numberMatched": matched, "numberReturned": len(features)}
    body = json.dumps({"type": "FeatureCollection", "features": features} | counts, allow_nan=False)
    return Response(body, media_type=GEOJSON)


@router.get("/statistics/overview")
def statistics_overview(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[BuildingsQuery, Query()]
) -> StatisticsOut:
    """Sum up footprints."""
    return StatisticsOut.model_validate(footprints.statistics(resources, principal, query.to_query()))


@router.get("/export", response_class=StreamingResponse)
def export(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[ExportQuery, Query()]
) -> StreamingResponse:
    """Download the footprints of a job, of a region, or of both."""
    stream = exports.open_export(resources, principal, query.to_query(), query.format)
    headers = {"Content-Disposition": f'attachment; filename="{stream.filename}"'}
    return StreamingResponse(_chunks(stream.chunks), media_type=stream.media_type, headers=headers)


async def _chunks(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Draw chunks in a thread; one that is left half way is closed, with the files it works on."""
    end = object()
    try:
        while (chunk := await anyio.to_thread.run_sync(next, chunks, end)) is not end:
            assert isinstance(chunk, bytes)
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(close)
