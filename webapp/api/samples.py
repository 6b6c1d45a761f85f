"""Examples for the OpenAPI document, put together from the schemas, so that every operation has some that are right."""

import string
from collections.abc import Mapping
from typing import Any

from webapp.api.problems import words_of
from webapp.errors_text import sentence_of
from webapp.http_status import status_of_kind

ID = "5f0c3a52-6c1e-4b8e-9d53-2f7d0a4c9b11"
WHEN = "2026-11-23T09:30:00Z"
SQUARE = [[[8.5401, 47.3702], [8.5403, 47.3702], [8.5403, 47.3704], [8.5401, 47.3704], [8.5401, 47.3702]]]
POLYGON = {"type": "Polygon", "coordinates": SQUARE}
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SAMPLES: dict[str, Any] = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "refresh_token": "n7TqfW3mT9q1x0Zb5k2VhA",
    "token": "n7TqfW3mT9q1x0Zb5k2VhA",
    "token_type": "bearer",
    "expires_in": 600,
    "api_key": "bf_live_3kq9w2_n7TqfW3mT9q1x0Zb5k2VhA",
    "scopes": ["read", "write"],
    "username": "dora",
    "owner": "dora",
    "actor_name": "dora",
    "email": "dora@city.example",
    "password": "correct horse battery",
    "current_password": "correct horse battery",
    "new_password": "wrong donkey battery",
    "role": "user",
    "tier": "free",
    "own_tier": None,
    "default_tier": False,
    "state": "succeeded",
    "status": "succeeded",
    "kind": "extraction",
    "level": "info",
    "text": "Window 12 of 40",
    "name": "town.tif",
    "scene_name": "town.tif",
    "file_name": "town.tif",
    "filename": "buildings.geojson",
    "media_type": "application/geo+json",
    "format": "geojson",
    "sha256": SHA256,
    "weights_sha256": SHA256,
    "weights_name": "default",
    "weights": "default",
    "percent_completed": 100.0,
    "windows_done": 40,
    "windows_total": 40,
    "footprint_count": 812,
    "error_code": None,
    "error_message": None,
    "error": None,
    "eta_s": None,
    "status_url": f"/api/v1/ml-processing/task-status/{ID}",
    "file_url": f"/api/v1/exports/{ID}/file",
    "aoi": POLYGON,
    "aoi_geojson": POLYGON,
    "geometry": POLYGON,
    "outline_geojson": POLYGON,
    "parameters": {"min_confidence": 0.5},
    "params": {"min_confidence": 0.5},
    "properties": {"area_m2": 182.4, "confidence": 0.91, "review_state": "unreviewed"},
    "review_state": "accepted",
    "attributes": None,
    "source_id": None,
    "epsg": 32632,
    "gsd_m": 0.3,
    "area_m2": 182.4,
    "confidence": 0.91,
    "bounds_deg": [8.53, 47.36, 8.55, 47.38],
    "bounds": [8.53, 47.36, 8.55, 47.38],
    "bbox": "8.53,47.36,8.55,47.38",
    "view": "8.53,47.36,8.55,47.38",
    "region": "POLYGON ((8.53 47.36, 8.55 47.36, 8.55 47.38, 8.53 47.36))",
    "review": "unreviewed,accepted",
    "expires_at": "2026-11-30T09:30:00Z",
    "expires_in_days": 90,
    "older_than_days": 30,
    "min_confidence": 0.5,
    "address": "192.0.2.7",
    "user_agent": "curl/8.5",
    "action": "user.change",
    "target_kind": "user",
    "target_id": "7",
    "detail": "It is done.",
    "crs": "EPSG:4326",
    "licence": "CC BY-SA 4.0",
    "href": "/api/v1/buildings?limit=1000",
    "rel": "self",
    "colour": "#1f77b4",
    "tilejson": "3.0.0",
    "scheme": "xyz",
    "tiles": ["https://maps.city.example/tiles/footprints/{z}/{x}/{y}.mvt"],
    "next_before": None,
    "next_after": None,
    "next_cursor": None,
}
"""By name of the field; what is not here gets a value of its type."""
LEFT_OUT = {
    "create_export": {
        "view",
        "region",
        "state",
        "scene_id",
        "bbox",
        "max_confidence",
        "max_area_m2",
        "created_from",
        "created_to",
    },
    "change_user": {"default_tier"},
}
"""Fields of request bodies that exclude others, or that few people need."""
OWN_SAMPLES = {"process_state": {"state": "PA"}}
"""Fields that mean something else there than elsewhere."""
PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "null": None}
DEEPEST = 12


def body_sample(operation_id: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """Return an example of a request body."""
    sample = sample_of(schema, schemas)
    left_out = LEFT_OUT.get(operation_id, set())
    kept = {name: value for name, value in sample.items() if name not in left_out}
    return kept | OWN_SAMPLES.get(operation_id, {})


def sample_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """Return a value that fits a schema, with what is known of a field of this name."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if name in SAMPLES and _may_be(schema, SAMPLES[name]):
        return SAMPLES[name]
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    if "anyOf" in schema:
        return sample_of(schema["anyOf"][0], schemas, name, depth)
    if schema.get("type") == "object" or "properties" in schema:
        return _object(schema, schemas, depth)
    if schema.get("type") == "array":
        return _array(schema, schemas, name, depth)
    return _plain(schema, name)


def problem_sample(kind: Any, path: str) -> dict[str, Any]:
    """Return a problem of a class of errors; what its sentence names stands in angle brackets."""
    names = [name for _, name, _, _ in string.Formatter().parse(kind.template) if name]
    return {
        "type": f"urn:building-footprint:problem:{kind.code}",
        "title": words_of(kind.code),
        "status": status_of_kind(kind),
        "detail": sentence_of(kind),
        "code": kind.code,
        "parameters": {name: f"<{name}>" for name in dict.fromkeys(names)},
        "instance": path,
    }


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        return {}
    fields = schema.get("properties", {})
    if not fields and isinstance(schema.get("additionalProperties"), dict):
        return {"name": sample_of(schema["additionalProperties"], schemas, "", depth + 1)}
    return {name: sample_of(field, schemas, name, depth + 1) for name, field in fields.items()}


def _array(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [sample_of(one, schemas, "", depth + 1) for one in schema["prefixItems"]]
    return [sample_of(schema.get("items", {}), schemas, name.removesuffix("s"), depth + 1)]


def _plain(schema: Mapping[str, Any], name: str) -> Any:
    kind = schema.get("type", "string")
    if kind == "string" and schema.get("format") == "date-time":
        return WHEN
    if kind == "string" and (name == "id" or name.endswith("_id")):
        return ID
    if schema.get("default") is not None:
        return schema["default"]
    return schema.get("minimum", PLAIN[kind]) if kind in ("integer", "number") else PLAIN[kind]


def _may_be(schema: Mapping[str, Any], value: Any) -> bool:
    """Tell whether a value is of a type that the schema allows."""
    if "anyOf" in schema:
        return any(_may_be(one, value) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    kinds = {"string": str, "integer": int, "number": (int, float), "array": list, "object": dict, "boolean": bool}
    if value is None:
        return schema.get("type") == "null"
    return isinstance(value, kinds.get(schema.get("type", ""), ()))  # type: ignore[arg-type]
