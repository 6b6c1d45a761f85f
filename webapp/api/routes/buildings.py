"""Footprints over HTTP: lists, sums and downloads."""

import json
from math import isfinite
from typing import Annotated

import numpy as np
import shapely
from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from webapp.api.byte_ranges import in_thread
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.buildings import (
    BuildingsListQuery,
    BuildingsOut,
    BuildingsQuery,
    ExportQuery,
    Histogram,
    StatisticsOut,
    ViewStatisticsOut,
    ViewStatisticsQuery,
)
from webapp.api.schemas.filters import parse_view
from webapp.services import exports, footprint_maps, footprints

router = APIRouter(prefix="/api/v1/buildings", tags=["buildings"])
PROPERTIES = ("job_id", "scene_id", "area_m2", "reg_method", "weights", "weights_sha256", "source_id", "source_name")
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
                "confidence": _finite(row.confidence),
                "gsd_m": _finite(row.gsd_m),
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


@router.get("/statistics/view")
def statistics_of_view(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[ViewStatisticsQuery, Query()]
) -> ViewStatisticsOut:
    """Return exact figures of what the map shows in a view, with histograms of area and confidence."""
    found = footprint_maps.statistics(resources, principal, query.map_query(), parse_view(query.view))
    confidence_edges = np.linspace(0, 1, len(found.confidence_histogram) + 1).round(2)
    return ViewStatisticsOut(
        count=found.count,
        total_area_m2=found.total_area_m2,
        mean_area_m2=_finite(found.mean_area_m2),
        mean_confidence=_finite(found.mean_confidence),
        without_confidence=found.without_confidence,
        view_area_km2=found.view_area_km2,
        density_per_km2=found.density_per_km2,
        built_up_share=found.built_up_share,
        area_m2=Histogram(edges=list(map(_finite, found.area_edges_m2)), counts=found.area_histogram.tolist()),
        confidence=Histogram(edges=confidence_edges.tolist(), counts=found.confidence_histogram.tolist()),
    )


@router.get("/export", response_class=StreamingResponse)
def export(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[ExportQuery, Query()]
) -> StreamingResponse:
    """Download the footprints of a job, of a region, of both, or exactly those that the map shows in a view."""
    scope = query.scope()
    if isinstance(scope, exports.ViewScope):
        stream = exports.open_view_export(resources, principal, scope, query.format)
    else:
        stream = exports.open_export(resources, principal, scope, query.format)
    headers = {"Content-Disposition": f'attachment; filename="{stream.filename}"'}
    return StreamingResponse(in_thread(stream.chunks), media_type=stream.media_type, headers=headers)


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None
