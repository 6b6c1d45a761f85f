"""The documents of OGC API Features beside the features: links, collections, queryables and schemas."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from models.footprint import ReviewState
from models.queries.footprint_conditions import MOMENT, NUMBER, QUERYABLES, TEXT, WHOLE
from webapp.api.openapi_30 import MEDIA_TYPE as OPENAPI
from webapp.api.schemas.answers import GEOJSON
from webapp.api.schemas.ogc import CollectionOut, Extent, OgcLink, SpatialExtent
from webapp.resources import Resources
from webapp.services.feature_collections import FeatureCollection
from webapp.services.feature_crs import SYSTEMS

ROOT = "/ogc"
JSON = "application/json"
SCHEMA = "application/schema+json"
GEOMETRY_FORMAT = "https://geojson.org/schema/MultiPolygon.json"
QUERYABLES_REL = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SCHEMA_REL = "http://www.opengis.net/def/rel/ogc/1.0/schema"
CONFORMANCE_REL = "http://www.opengis.net/def/rel/ogc/1.0/conformance"
DATA_REL = "http://www.opengis.net/def/rel/ogc/1.0/data"
FEATURES_1 = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
FEATURES_2 = "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf"
FEATURES_3 = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf"
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf"
CONFORMS_TO = [
    *(f"{FEATURES_1}/{name}" for name in ("core", "oas30", "geojson")),
    f"{FEATURES_2}/crs",
    *(f"{FEATURES_3}/{name}" for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")),
    *(f"{CQL2}/{name}" for name in ("cql2-text", "basic-cql2", "advanced-comparison-operators")),
    *(f"{CQL2}/{name}" for name in ("basic-spatial-functions", "basic-spatial-functions-plus")),
]
TITLES = {
    "id": "Number of the footprint",
    "job_id": "Job that found or imported it",
    "scene_id": "Scene that it was found in",
    "area_m2": "Ground area in square metres",
    "confidence": "How sure the detector is, 0 to 1; none for most imports",
    "reg_method": "How its outline was made straight",
    "review_state": "What a person said of it",
    "source_id": "Its number in the imported file",
    "source_name": "Its source as the imported file names it",
    "created_at": "When it was stored",
    "gsd_m": "Ground sampling distance that it was found at, in metres",
    "weights": "Detector weights that found it",
    "weights_sha256": "Beginning of their checksum",
}
ONLY_RETURNED = {"gsd_m": NUMBER, "weights": TEXT, "weights_sha256": TEXT}


@dataclass(frozen=True)
class Addresses:
    """Makes addresses: of the name that people call this server by."""

    server: str

    @classmethod
    def of(cls, request: Request, resources: Resources) -> "Addresses":
        """Return those for an answer."""
        return cls((resources.settings.public_url or str(request.base_url)).rstrip("/"))

    def link(self, path: str, rel: str, title: str, media_type: str = JSON) -> OgcLink:
        """Return a link to a path below the root."""
        return OgcLink(href=f"{self.server}{ROOT}{path}", rel=rel, type=media_type, title=title)


def landing_links(to: Addresses) -> list[OgcLink]:
    """Return where to go on from the landing page."""
    return [
        to.link("", "self", "This document"),
        to.link("/api", "service-desc", "The API's definition", OPENAPI),
        to.link("/conformance", "conformance", "Conformance classes"),
        to.link("/conformance", CONFORMANCE_REL, "Conformance classes"),
        to.link("/collections", "data", "Collections"),
        to.link("/collections", DATA_REL, "Collections"),
    ]


def collection_out(to: Addresses, found: FeatureCollection, *, alone: bool) -> CollectionOut:
    """Return a collection; `alone`: not in a list of them."""
    path = f"/collections/{found.id}"
    links = [
        to.link(path, "self", found.title),
        to.link(f"{path}/items", "items", f"Features of {found.title}", GEOJSON),
        to.link(f"{path}/queryables", QUERYABLES_REL, "What filters may ask for", SCHEMA),
        to.link(f"{path}/schema", SCHEMA_REL, "What features hold", SCHEMA),
    ]
    if alone:
        links.append(to.link("/collections", "parent", "Collections"))
    extent = None if found.extent_deg is None else Extent(spatial=SpatialExtent(bbox=[list(found.extent_deg)]))
    return CollectionOut(
        id=found.id,
        title=found.title,
        description=found.description,
        links=links,
        extent=extent,
        crs=list(SYSTEMS) if alone else ["#/crs"],
    )


def queryables_of(to: Addresses, collection_id: str) -> dict[str, Any]:
    """Return what filters and parameters may ask for, as JSON Schema."""
    geometry = {"title": "Outline", "format": "geometry-polygon"}
    properties = {name: _property(name, kind) for name, kind in QUERYABLES.items()}
    address = f"{to.server}{ROOT}/collections/{collection_id}/queryables"
    return _schema(address, "Queryables", properties | {"geometry": geometry}) | {"additionalProperties": False}


def schema_of(to: Addresses, collection_id: str) -> dict[str, Any]:
    """Return what features hold, as JSON Schema."""
    kinds = {name: kind for name, kind in QUERYABLES.items() if name != "id"} | ONLY_RETURNED
    roles: dict[str, dict[str, Any]] = {
        "id": _property("id", WHOLE) | {"x-ogc-role": "id"},
        "geometry": {"title": "Outline", "format": "geometry-polygon", "x-ogc-role": "primary-geometry"},
    }
    properties = roles | {name: _property(name, kind) for name, kind in kinds.items()}
    properties["created_at"]["x-ogc-role"] = "primary-instant"
    return _schema(f"{to.server}{ROOT}/collections/{collection_id}/schema", "Buildings", properties)


def _schema(address: str, title: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "type": "object",
        "title": title,
        "properties": properties,
    }


def _property(name: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"title": TITLES[name], "type": TEXT if kind == MOMENT else kind}
    if kind == MOMENT:
        found["format"] = MOMENT
    if name == "review_state":
        found["enum"] = list(map(str, ReviewState))
    return found
