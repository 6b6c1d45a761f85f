"""OGC API Features over what a person may see, for QGIS, GDAL and others (docs/ogc.md)."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from webapp.api import openapi_30
from webapp.api.building_json import feature_texts
from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.ogc_documents import (
    CONFORMS_TO,
    ROOT,
    SCHEMA,
    Addresses,
    collection_out,
    landing_links,
    queryables_of,
    schema_of,
)
from webapp.api.ogc_route import OgcRoute
from webapp.api.schemas.answers import GEOJSON
from webapp.api.schemas.ogc import (
    CollectionOut,
    CollectionsOut,
    Conformance,
    FeatureOut,
    FeatureQuery,
    FeaturesOut,
    FormatQuery,
    ItemsQuery,
    LandingPage,
    OgcLink,
)
from webapp.services import feature_collections, features
from webapp.services.feature_crs import SYSTEMS, FeatureCrs

router = APIRouter(prefix=ROOT, tags=["OGC API Features"], route_class=OgcRoute)
CollectionId = Annotated[str, Path(max_length=100)]
FeatureId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Plain = Annotated[FormatQuery, Query()]
FEATURES: dict[int | str, dict[str, Any]] = {200: {"content": {GEOJSON: {"schema": {"type": "object"}}}}}
SCHEMAS: dict[int | str, dict[str, Any]] = {200: {"content": {SCHEMA: {"schema": {"type": "object"}}}}}


@router.get("")
def get_landing_page(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, query: Plain
) -> LandingPage:
    """Return where everything else is."""
    links = landing_links(Addresses.of(request, resources))
    return LandingPage(title="Building footprints", description="Footprints that you may see", links=links)


@router.get("/conformance")
def get_conformance(principal: CurrentPrincipal, query: Plain) -> Conformance:
    """Return the classes that hold here; a test walks through each."""
    return Conformance(conformsTo=CONFORMS_TO)


@router.get("/api", responses={200: {"content": {openapi_30.MEDIA_TYPE: {}}}}, response_model=dict[str, Any])
def get_ogc_definition(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, query: Plain
) -> Response:
    """Return the definition of these routes in OpenAPI 3.0."""
    server = Addresses.of(request, resources).link("", "", "").href
    described = openapi_30.describe(request.app.openapi(), ROOT, server)
    return Response(json.dumps(described), media_type=openapi_30.MEDIA_TYPE)


@router.get("/collections", response_model_exclude_none=True)
def list_collections(
    request: Request, resources: CurrentResources, principal: CurrentPrincipal, query: Plain
) -> CollectionsOut:
    """Return all buildings as one collection, and one for each of the newest jobs."""
    to = Addresses.of(request, resources)
    found = [collection_out(to, one, alone=False) for one in feature_collections.list_collections(resources, principal)]
    links = [to.link("/collections", "self", "This document")]
    return CollectionsOut(links=links, collections=found, crs=list(SYSTEMS))


@router.get("/collections/{collection_id}", response_model_exclude_none=True)
def get_collection(
    collection_id: CollectionId,
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Plain,
) -> CollectionOut:
    """Return one collection."""
    to = Addresses.of(request, resources)
    return collection_out(to, feature_collections.get_collection(resources, principal, collection_id), alone=True)


@router.get("/collections/{collection_id}/queryables", responses=SCHEMAS, response_model=dict[str, Any])
def get_queryables(
    collection_id: CollectionId,
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Plain,
) -> Response:
    """Return what filters and parameters may ask for."""
    feature_collections.require_collection(resources, principal, collection_id)
    return JSONResponse(queryables_of(Addresses.of(request, resources), collection_id), media_type=SCHEMA)


@router.get("/collections/{collection_id}/schema", responses=SCHEMAS, response_model=dict[str, Any])
def get_collection_schema(
    collection_id: CollectionId,
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Plain,
) -> Response:
    """Return what features hold."""
    feature_collections.require_collection(resources, principal, collection_id)
    return JSONResponse(schema_of(Addresses.of(request, resources), collection_id), media_type=SCHEMA)


@router.get("/collections/{collection_id}/items", response_model=FeaturesOut, responses=FEATURES)
def list_features(
    collection_id: CollectionId,
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Annotated[ItemsQuery, Query()],
) -> Response:
    """Return a page of features; the link with rel next leads to the following one, as fast as to the first."""
    crs = query.answer_crs()
    question = query.question(feature_collections.require_collection(resources, principal, collection_id))
    page = features.list_features(resources, principal, question)
    to = Addresses.of(request, resources)
    links = _page_links(to, f"/collections/{collection_id}", dict(request.query_params), page)
    return Response(_features(page, crs, links), media_type=GEOJSON, headers=_crs_header(crs))


@router.get("/collections/{collection_id}/items/{feature_id}", response_model=FeatureOut, responses=FEATURES)
def get_feature(
    collection_id: CollectionId,
    feature_id: FeatureId,
    request: Request,
    resources: CurrentResources,
    principal: CurrentPrincipal,
    query: Annotated[FeatureQuery, Query()],
) -> Response:
    """Return one feature."""
    crs = query.answer_crs()
    job_id = feature_collections.require_collection(resources, principal, collection_id)
    batch = features.get_feature(resources, principal, job_id, feature_id)
    to, path = Addresses.of(request, resources), f"/collections/{collection_id}"
    other = OgcLink(
        href=f"{to.server}/api/v1/buildings/{feature_id}", rel="alternate", type=GEOJSON, title="With all details"
    )
    links = [
        to.link(f"{path}/items/{feature_id}{_asked(dict(request.query_params))}", "self", "This document", GEOJSON),
        other,
        to.link(path, "collection", "The collection"),
    ]
    (text,) = feature_texts(batch, crs.shapes)
    return Response(f'{text[:-1]},"links":{_json(links)}}}', media_type=GEOJSON, headers=_crs_header(crs))


def _page_links(to: Addresses, path: str, asked: dict[str, str], page: features.FeaturePage) -> list[OgcLink]:
    links = [to.link(f"{path}/items{_asked(asked)}", "self", "This page", GEOJSON)]
    if page.next_cursor is not None:
        following = _asked(asked | {"cursor": page.next_cursor})
        links.append(to.link(f"{path}/items{following}", "next", "The next page", GEOJSON))
    return [*links, to.link(path, "collection", "The collection")]


def _asked(values: dict[str, str]) -> str:
    return f"?{urlencode(values)}" if values else ""


def _features(page: features.FeaturePage, crs: FeatureCrs, links: list[OgcLink]) -> str:
    texts = feature_texts(page.batch, crs.shapes)
    matched = "" if page.matched is None else f',"numberMatched":{page.matched}'
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    counts = f'"numberReturned":{len(texts)}{matched},"timeStamp":"{moment}"'
    return f'{{"type":"FeatureCollection",{counts},"links":{_json(links)},"features":[{",".join(texts)}]}}'


def _json(links: list[OgcLink]) -> str:
    return json.dumps([link.model_dump() for link in links])


def _crs_header(crs: FeatureCrs) -> dict[str, str]:
    return {"Content-Crs": f"<{crs.uri}>"}
