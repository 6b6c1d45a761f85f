"""What the description of the API tells of its routes: every place where an id can stand, and every JSON body."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ID_LIKE = re.compile(r"(^|_)(id|ids|uuid|key|owner|parent|before|after|cursor|job|scene|file|export|user|session)$")
"""Names that may well be ids. Whatever stands in a path is one, too, unless it is known not to be."""


@dataclass(frozen=True, order=True)
class Place:
    """A parameter `name` in `where` (path, query or body) of a route."""

    method: str
    path: str
    where: str
    name: str


def id_places(description: dict[str, Any], plain: frozenset[str]) -> list[Place]:
    """Return all places of ids; `plain` names the parameters that look like one and are none."""
    return sorted(place for place in _places(description) if _is_id(place) and place.name not in plain)


def _is_id(place: Place) -> bool:
    return place.where == "path" or bool(ID_LIKE.search(place.name))


def _places(description: dict[str, Any]) -> Iterator[Place]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] in ("path", "query"):
                    yield Place(method.upper(), path, parameter["in"], parameter["name"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name in _properties(description, content.get("schema", {})):
                    yield Place(method.upper(), path, "body", name)


def _properties(description: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Return the names of a body's fields, also of what is nested in it."""
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, field in schema.get("properties", {}).items():
        yield name
        yield from _properties(description, field)
    for inner in (*schema.get("anyOf", ()), *schema.get("allOf", ()), schema.get("items", {})):
        if inner:
            yield from _properties(description, inner)


def json_bodies(description: dict[str, Any]) -> list[tuple[str, str, frozenset[str]]]:
    """Return method, path and the names of the fields of every JSON body."""
    return [
        (method.upper(), path, frozenset(_fields(description, content["application/json"]["schema"])))
        for path, item in description["paths"].items()
        for method, operation in item.items()
        if "application/json" in (content := operation.get("requestBody", {}).get("content", {}))
    ]


def _fields(description: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", {}))
