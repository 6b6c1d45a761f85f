"""The OpenAPI document: what FastAPI gathers from the routes, made complete by rules, so that a new route is, too."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from webapp.api.gate import is_public
from webapp.api.operation_errors import errors_of
from webapp.api.samples import body_sample, problem_sample, sample_of
from webapp.api.schemas.problem import MEDIA_TYPE, Problem
from webapp.errors_text import meaning_of
from webapp.http_status import status_of_kind

METHODS = ("get", "put", "post", "delete", "patch")
TAGS = {
    "auth": "Sign in as a program: access tokens and refresh tokens.",
    "account": "Your own account: making it, its password, where you are signed in, API keys.",
    "extraction": "Have the buildings of a scene extracted, and follow how far that is.",
    "states": "Have the buildings of a whole US state extracted, from all of your scenes of it.",
    "scenes": "Georeferenced images.",
    "uploads": "Large files in pieces, which go on where they broke off (tus 1.0).",
    "files": "The files that you sent, as they came.",
    "imports": "Footprints that you have already, from files.",
    "jobs": "Extractions and imports: how far they are, what they said, stopping and repeating them.",
    "buildings": "Footprints: lists, single ones, figures, downloads.",
    "exports": "Files of footprints that are prepared on the server, for as many buildings as there are.",
    "downloads": "Links to one file that need no login and end soon.",
    "OGC API Features": "The same footprints for GIS programs, by the standard.",
    "models": "Weights of the detector, and what to expect of them.",
    "tiles": "Pictures and vector tiles of the base map, of scenes and of footprints.",
    "operations": "How the installation is.",
    "admin": "For administrators: accounts, clearing up, health, who did what.",
}
UNEXPECTED = "`Unexpected`: something went wrong on the server; its log says what."
HEADERS: dict[int, tuple[str, str]] = {
    401: ("WWW-Authenticate", "How to sign in: `Bearer`"),
    416: ("Content-Range", "How many bytes there are: `bytes */N`"),
    429: ("Retry-After", "Seconds to wait"),
    503: ("Retry-After", "Seconds to wait"),
}
"""Headers that an answer of a status always has."""
FASTAPI_SCHEMAS = ("HTTPValidationError", "ValidationError")


class DescribedApi(FastAPI):
    """An application whose OpenAPI document has summaries, examples and the codes of errors."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(self._gathered())
        return self.openapi_schema

    def _gathered(self) -> dict[str, Any]:
        tags = [{"name": name, "description": text} for name, text in TAGS.items()]
        return get_openapi(
            title=self.title,
            version=self.version,
            openapi_version=self.openapi_version,
            description=self.description,
            routes=self.routes,
            tags=tags,
        )


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add what routes do not say by themselves, in place."""
    schemas = document["components"]["schemas"]
    for name in FASTAPI_SCHEMAS:
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema()
    _simplify_tuples(schemas)
    for path, method, operation in operations(document):
        _complete_operation(path, method, operation, schemas)
    return document


def _simplify_tuples(node: Any) -> None:
    """Write tuples of one type as arrays of a length, which more programs understand."""
    if isinstance(node, dict):
        parts = node.get("prefixItems")
        if parts and all(one == parts[0] for one in parts):
            node["items"] = node.pop("prefixItems")[0]
        node = list(node.values())
    for one in node if isinstance(node, list) else ():
        _simplify_tuples(one)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method in upper case and operation."""
    for path, item in document["paths"].items():
        yield from ((path, method.upper(), item[method]) for method in METHODS if method in item)


def _complete_operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    operation["summary"] = operation["operationId"].replace("_", " ").capitalize().replace(" api ", " API ")
    if is_public(path, method):
        operation["security"] = []
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if media_type == "application/json":
            content.setdefault("example", body_sample(operation["operationId"], content["schema"], schemas))
    for parameter in operation.get("parameters", ()):
        _let_out_null(parameter)
    operation["responses"].pop("422", None)
    for answer in operation["responses"].values():
        for media_type, content in answer.get("content", {}).items():
            if media_type in ("application/json", "application/geo+json") and content.get("schema"):
                content.setdefault("example", sample_of(content["schema"], schemas))
    operation["responses"] = _problems(path, errors_of(path, method, operation)) | operation["responses"]


def _let_out_null(parameter: dict[str, Any]) -> None:
    """Describe an optional parameter by its value alone: an address has no null, only nothing."""
    found = [one for one in parameter["schema"].get("anyOf", ()) if one.get("type") != "null"]
    if len(found) == 1:
        del parameter["schema"]["anyOf"]
        parameter["schema"] |= found[0]


def _problems(path: str, kinds: list[type[Exception]]) -> dict[str, Any]:
    """Return an answer for each status that these errors have."""
    by_status = groupby(sorted(kinds, key=status_of_kind), key=status_of_kind)
    answers = {str(status): _problem(path, list(found)) for status, found in by_status}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return answers | {"500": {"description": UNEXPECTED, "content": content, "x-error-codes": ["Unexpected"]}}


def _problem(path: str, kinds: list[Any]) -> dict[str, Any]:
    lines = [f"`{kind.code}`: {meaning_of(kind)}" for kind in kinds]
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {kind.code: {"value": problem_sample(kind, path)} for kind in kinds},
    }
    answer = {
        "description": "\n\n".join(lines),
        "content": {MEDIA_TYPE: content},
        "x-error-codes": [kind.code for kind in kinds],
    }
    return answer | _headers(status_of_kind(kinds[0]))


def _headers(status: int) -> dict[str, Any]:
    if status not in HEADERS:
        return {}
    name, text = HEADERS[status]
    return {"headers": {name: {"description": text, "required": True, "schema": {"type": "string"}}}}
