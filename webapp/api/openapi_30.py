"""The OpenAPI 3.0 description of some routes: what OGC clients ask for, made of the 3.1 that FastAPI writes."""

import re
from collections.abc import Mapping
from typing import Any

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"
VERSION = "3.0.3"
REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


def describe(whole: Mapping[str, Any], prefix: str, server: str) -> dict[str, Any]:
    """Return the part of a 3.1 document about the paths below `prefix`, in 3.0, with paths relative to the server's."""
    paths = {path: entry for path, entry in whole["paths"].items() if path == prefix or path.startswith(prefix + "/")}
    components = whole.get("components", {})
    found = {
        "openapi": VERSION,
        "info": dict(whole["info"]),
        "servers": [{"url": server}],
        "paths": {path.removeprefix(prefix) or "/": _as_30(entry) for path, entry in paths.items()},
        "components": {
            "schemas": _needed(paths, components.get("schemas", {})),
            "securitySchemes": components.get("securitySchemes", {}),
        },
    }
    return found


def _needed(paths: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schemas that the paths mention, and those mentioned in them."""
    needed: dict[str, Any] = {}
    names = _mentioned(paths)
    while names:
        name = names.pop()
        if name in schemas and name not in needed:
            needed[name] = _as_30(schemas[name])
            names |= _mentioned(schemas[name])
    return needed


def _mentioned(node: Any) -> set[str]:
    if isinstance(node, Mapping):
        own = {str(node["$ref"]).rpartition("/")[2]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(_mentioned, node.values()))
    return set().union(*map(_mentioned, node)) if isinstance(node, list) else set()


def _as_30(node: Any) -> Any:
    """Say the same without what JSON Schema has learnt since."""
    if isinstance(node, list):
        return [_as_30(part) for part in node]
    if not isinstance(node, Mapping):
        return node
    found = {name: _as_30(value) for name, value in node.items()}
    if isinstance(found.get("anyOf"), list):
        found = _nullable(found)
    if isinstance(found.get("examples"), list):
        found["example"] = found.pop("examples")[0]
    if "const" in found and not isinstance(found["const"], Mapping):
        found["enum"] = [found.pop("const")]
    for name, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(name), int | float) and not isinstance(found[name], bool):
            found[bound], found[name] = found[name], True
    return found


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    others = [one for one in schema["anyOf"] if one != {"type": "null"}]
    if len(others) == len(schema["anyOf"]):
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if len(others) == 1 and "$ref" not in others[0]:
        return others[0] | rest | {"nullable": True}
    return rest | {"anyOf": others, "nullable": True}
