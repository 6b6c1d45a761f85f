"""Health, figures, and the API's own description, all of it served from here."""

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from jinja2 import Environment, FileSystemLoader

from webapp.api.deps import CurrentPrincipal, CurrentResources
from webapp.api.headers import DOCS
from webapp.api.metrics_text import MEDIA_TYPE, metrics_of, metrics_text
from webapp.api.schemas.admin import LivenessOut, StatusOut
from webapp.api.schemas.answers import Answers
from webapp.errors import DatabaseBusy, NotFound
from webapp.services.health import Health
from webapp.services.people import require_administrator

ASSETS = Path(__file__).resolve().parents[3] / "assets"
VIEWERS_PACKAGE = "fastapi_offline"
REFERENCE_FILE = "redoc.standalone.js"
VIEWERS_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", REFERENCE_FILE)
REFERENCE_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
"""The one thing that ReDoc fetches from elsewhere; these pages ask nobody but this server."""
FIGURES_WAIT_S = 3.0
NOT_KEPT = {"Cache-Control": "no-store"}
HEALTH_ANSWERS: Answers = {
    200: {"description": "All parts work"},
    503: {"description": "A part does not work; `checks` says which", "model": StatusOut},
}
router = APIRouter()
_templates = Environment(loader=FileSystemLoader(ASSETS), autoescape=True)


@router.get("/health", tags=["operations"], response_model=StatusOut, responses=HEALTH_ANSWERS)
def get_health(request: Request) -> Response:
    """Tell whether the installation can do its work, workers included: 200 or 503, with each check."""
    return _told(request.app.state.health.health())


@router.get("/health/live", tags=["operations"], response_model=LivenessOut)
async def get_liveness() -> Response:
    """Answer as long as this web process runs. Nothing else is looked at."""
    return JSONResponse({"status": "ok"}, headers=NOT_KEPT)


@router.get("/health/ready", tags=["operations"], response_model=StatusOut, responses=HEALTH_ANSWERS)
async def get_readiness(request: Request) -> Response:
    """Tell whether this web process can serve requests: 200 or 503, with each check. Workers do not count."""
    return _told(await request.app.state.readiness.look())


@router.get("/metrics", tags=["operations"], response_class=PlainTextResponse)
async def get_metrics(request: Request, resources: CurrentResources, principal: CurrentPrincipal) -> Response:
    """Return figures for Prometheus, for administrators: of this web process, and of the installation."""
    require_administrator(principal)
    state = request.app.state
    health = await state.readiness.look()
    working = {name for name, check in health.checks.items() if check.ok}
    with anyio.move_on_after(FIGURES_WAIT_S):  # for its turn: one that hangs must not gather others behind it
        figures = await anyio.to_thread.run_sync(state.installation_watch.figures, working, limiter=state.figures_place)
        metrics = metrics_of(health, figures, resources.database.places.used())
        text = metrics_text(state.http_figures.registry, metrics)
        return Response(text, headers=NOT_KEPT, media_type=MEDIA_TYPE)
    raise DatabaseBusy()


def _told(found: Health) -> Response:
    checks = {name: asdict(check) for name, check in found.checks.items()}
    body = {"status": "ok" if found.ok else "unavailable", "checks": checks}
    return JSONResponse(body, 200 if found.ok else 503, NOT_KEPT)


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
