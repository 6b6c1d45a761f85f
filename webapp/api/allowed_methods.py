"""Which methods an address takes. Several routes may share one address, and each of them knows its own alone."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI


def allowed_methods(app: FastAPI, path: str) -> list[str]:
    """Return the methods of all routes of a path, for the header `Allow` (RFC 9110, 10.2.1)."""
    found = {method for route in _routes(app) if route.path_regex.match(path) for method in route.methods or ()}
    return sorted(found)


def _routes(app: FastAPI) -> Iterator[Any]:
    """Yield plain routes, also those that came in a router; what is mounted answers for itself."""
    for route in app.routes:
        if hasattr(route, "effective_route_contexts"):
            yield from route.effective_route_contexts()
        elif hasattr(route, "path_regex") and hasattr(route, "methods"):
            yield route
