"""Footprints over HTTP: lists, single ones, sums and downloads."""

from math import isfinite
from typing import Annotated
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from processing.exports.formats import FORMATS
from processing.exports.writing import write_stream
from webapp.api.building_json import collection, feature_of, feature_texts
from webapp.api.byte_ranges import in_thread
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.schemas.answers import EXPORT, LIST, NOT_MODIFIED, GeoJsonResponse
from webapp.api.schemas.buildings import (
    BuildingIn,
    BuildingOut,
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
from webapp.services import exports, footprint_edits, footprint_maps, footprint_pages, footprints
from webapp.services.footprint_edits import FootprintDetail, Target
from webapp.services.footprint_versions import is_known

router = APIRouter(prefix="/api/v1/buildings", tags=["buildings"])
IfMatch = Annotated[str | None, Header(max_length=1000)]
BuildingId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", response_model=BuildingsOut, response_class=GeoJsonResponse, responses=LIST)
def list_buildings(
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Annotated[BuildingsListQuery, Query()],
) -> Response:
    """Return a page of footprints; `links`, and the header `Link`, say where the next one is."""
    question = query.question()
    page = footprint_pages.list_page(resources, principal, question)
    media_type = FORMATS[query.f].media_type
    links = _links(request, page.next_cursor, media_type)
    headers = {"Link": ", ".join(f'<{link["href"]}>; rel="{link["rel"]}"; type="{media_type}"' for link in links)}
    if query.f != "geojson":
        chunks = write_stream(query.f, [page.batch], title="buildings")
        return StreamingResponse(in_thread(chunks), media_type=media_type, headers=headers)
    matched = len(page.batch) if query.cursor is None and page.next_cursor is None else None
    if matched is None and query.count:
        matched = footprint_pages.count(resources, principal, question)
    body = collection(feature_texts(page.batch), links, matched)
    return GeoJsonResponse(body, headers=headers)


@router.get("/statistics/overview")
def get_building_statistics(
    resources: CurrentResources, principal: CurrentPrincipal, query: Annotated[BuildingsQuery, Query()]
) -> StatisticsOut:
    """Sum up footprints."""
    return StatisticsOut.model_validate(footprints.statistics(resources, principal, query.to_query()))


@router.get("/statistics/view")
def get_view_statistics(
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


@router.get("/export", response_class=StreamingResponse, responses=EXPORT)
def export_buildings(
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


@router.get("/{building_id:int}", response_model=BuildingOut, response_class=GeoJsonResponse, responses=NOT_MODIFIED)
def get_building(
    building_id: BuildingId,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    raw: bool = False,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Return a building with all that is known of it; with `raw` also its outline before it was made straight."""
    found = footprint_edits.get_footprint(resources, principal, building_id)
    if is_known(if_none_match, found.id, found.version):
        return Response(status_code=304, headers=_version_headers(found))
    return _building(found, with_raw=raw)


@router.put("/{building_id:int}", response_model=BuildingOut, response_class=GeoJsonResponse)
def update_building(
    building_id: BuildingId,
    body: BuildingIn,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    if_match: IfMatch = None,
) -> Response:
    """Change a building. `If-Match` names the version that was changed: who was slower than another gets 412."""
    target = Target(building_id, if_match)
    return _building(footprint_edits.edit_footprint(resources, principal, target, body.changes()), with_raw=False)


@router.delete("/{building_id:int}", status_code=204)
def delete_building(
    building_id: BuildingId, resources: CurrentResources, principal: CurrentPrincipal, if_match: IfMatch = None
) -> None:
    """Remove a building for good; with `If-Match` only if nobody has changed it since."""
    footprint_edits.remove_footprint(resources, principal, Target(building_id, if_match))


def _building(found: FootprintDetail, *, with_raw: bool) -> Response:
    return GeoJsonResponse(feature_of(found, with_raw=with_raw), headers=_version_headers(found))


def _version_headers(found: FootprintDetail) -> dict[str, str]:
    return {"ETag": found.etag, "Cache-Control": "private, no-cache"}


def _links(request: Request, next_cursor: str | None, media_type: str) -> list[dict[str, str]]:
    """Addresses without a host: whatever name the server is called by, they hold."""
    asked = dict(request.query_params)
    pages = {"self": asked}
    if next_cursor is not None:
        pages["next"] = asked | {"cursor": next_cursor}
    texts = {rel: f"?{urlencode(values)}" if values else "" for rel, values in pages.items()}
    return [{"rel": rel, "href": router.prefix + text, "type": media_type} for rel, text in texts.items()]


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None
