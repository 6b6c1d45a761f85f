"""Health, and the API's own description, all of it served from here."""

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader

from webapp.api.deps import CurrentPrincipal
from webapp.api.headers import DOCS
from webapp.api.schemas.admin import StatusOut
from webapp.api.schemas.answers import Answers
from webapp.errors import NotFound

ASSETS = Path(__file__).resolve().parents[3] / "assets"
VIEWERS_PACKAGE = "fastapi_offline"
REFERENCE_FILE = "redoc.standalone.js"
VIEWERS_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", REFERENCE_FILE)
REFERENCE_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
"""The one thing that ReDoc fetches from elsewhere; these pages ask nobody but this server."""
HEALTH_ANSWERS: Answers = {
    200: {"description": "All parts work"},
    503: {"description": "A part does not work; `checks` says which", "model": StatusOut},
}
router = APIRouter()
_templates = Environment(loader=FileSystemLoader(ASSETS), autoescape=True)


@router.get("/health", tags=["operations"], response_model=StatusOut, responses=HEALTH_ANSWERS)
def get_health(request: Request) -> Response:
    """Tell whether the server can do its work: 200 or 503, with each check."""
    found = request.app.state.health.health()
    checks = {name: asdict(check) for name, check in found.checks.items()}
    body = {"status": "ok" if found.ok else "unavailable", "checks": checks}
    return JSONResponse(body, 200 if found.ok else 503, {"Cache-Control": "no-store"})


@router.get("/docs", include_in_schema=False)
def docs(request: Request, principal: CurrentPrincipal) -> Response:
    """Show the API's description, to try it out."""
    token = request.scope["state"].get("csrf_token", "")
    return _viewer("docs.html", csrf_token=token)


@router.get("/redoc", include_in_schema=False)
def reference(principal: CurrentPrincipal) -> Response:
    """Show the API's description, to read."""
    return _viewer("redoc.html")


@router.get("/docs/{name}", include_in_schema=False)
def docs_file(name: str, principal: CurrentPrincipal) -> Response:
    """Return a file of Swagger UI or of ReDoc."""
    spec = find_spec(VIEWERS_PACKAGE)
    if name not in VIEWERS_FILES or spec is None or spec.origin is None:
        raise NotFound(kind="file", id=name[:100])
    file = Path(spec.origin).parent / "static" / name
    if name != REFERENCE_FILE:
        return FileResponse(file)
    return Response(file.read_text().replace(REFERENCE_LOGO, "/favicon.ico"), media_type="text/javascript")


def _viewer(template: str, **words: str) -> Response:
    page = _templates.get_template(template).render(**words)
    return HTMLResponse(page, headers={"Content-Security-Policy": DOCS, "Cache-Control": "no-store"})


@router.get("/favicon.ico", include_in_schema=False)
def favicon() -> Response:
    """Return the icon."""
    return FileResponse(ASSETS / "icons" / "favicon.ico", headers={"Cache-Control": "public, max-age=86400"})
