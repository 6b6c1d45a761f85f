"""Puts the ASGI application together: walls and gate outermost, static files, then FastAPI with the pages in it."""

import gc
import threading
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.staticfiles import StaticFiles as FileFolder
from starlette.types import ASGIApp, Message

from webapp.api.address_wall import AddressWall
from webapp.api.answers import say_again
from webapp.api.body_limit import BodyLimit
from webapp.api.call_limits import CallLimits
from webapp.api.cross_origin import CrossOrigin
from webapp.api.deps import bearer_in_docs, key_in_docs
from webapp.api.description import DescribedApi
from webapp.api.gate import Gate
from webapp.api.headers import SecurityHeaders
from webapp.api.health_memo import HealthMemo
from webapp.api.identity import Identifier
from webapp.api.login_throttle import LoginThrottle
from webapp.api.open_sockets import OpenSockets
from webapp.api.origin import OwnNames
from webapp.api.problems import add_problem_handlers
from webapp.api.request_meter import HttpFigures, RequestMeter
from webapp.api.request_trail import RequestTrail
from webapp.api.routes import (
    account,
    account_pages,
    admin,
    api_keys,
    auth,
    buildings,
    download_links,
    exports,
    extraction,
    files,
    imports,
    jobs,
    login,
    models,
    ogc,
    oidc,
    operations,
    scenes,
    states,
    tile_sets,
    tiles,
    uploads,
)
from webapp.api.static_files import StaticFiles
from webapp.call_counter import CallCounter
from webapp.identity_provider import IdentityProvider
from webapp.resources import Resources
from webapp.services.idempotency import AlreadyAnswered
from webapp.services.installation_figures import InstallationWatch
from webapp.services.readiness import Readiness
from webapp.services.tiles import warm_up

ASSETS = Path(__file__).resolve().parents[2] / "assets"
PROVIDER_PLACES = 8
"""So many people at once wait for an OpenID Connect provider; the others wait for these."""
OPENAPI_PATH = "/api/v1/openapi.json"
PUBLIC_FOLDERS = ("css", "icons", "js")
ROUTES = (
    *(buildings, ogc, tiles, jobs),  # what is asked for most is looked for first
    auth,
    account,
    api_keys,
    login,
    oidc,
    account_pages,
    extraction,
    states,
    scenes,
    files,
    uploads,
    imports,
    exports,
    download_links,
    models,
    tile_sets,
    operations,
    admin,
)
DESCRIPTION = """Footprints of buildings from aerial and satellite imagery.

Ask `POST /api/v1/auth/login` for tokens and send the access token as `Authorization: Bearer …`, or make an API key
with `POST /api/v1/auth/generate-api-key` and send it as `X-API-Key`.
Errors are problem+json with a stable `code`."""


@dataclass(frozen=True)
class Pages:
    """The pages that are served beside the API: their paths, and how they are put into the application."""

    paths: Collection[str]
    install: Callable[[FastAPI], None]


def create_app(resources: Resources, pages: Pages | None = None) -> ASGIApp:
    """Return the whole application. `resources` stay open for as long as it runs."""
    api = create_api(resources)
    if pages is not None:
        pages.install(api)
    app: ASGIApp = CallLimits(BodyLimit(StaticFiles(api)), resources.settings, api.state.call_counter)
    app = Gate(app, resources, api.state.identifier, api.state.sockets)
    app = AddressWall(CrossOrigin(app, resources.settings), resources.settings)
    paths = pages.paths if pages is not None else ()
    app = RequestTrail(SecurityHeaders(app, paths, resources.settings.basemap_url_template))
    return RequestMeter(app, api.state.http_figures, {*paths, OPENAPI_PATH})


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    await _build_routes(api)
    threading.Thread(target=_get_ready, name="warm-up", daemon=True).start()
    yield
    await api.state.call_counter.close()
    api.state.readiness.close()


async def _build_routes(api: FastAPI) -> None:
    """Ask for a page that is nowhere. FastAPI builds its routes while it looks for the first one, which takes longer
    than most answers: here nobody waits for it.
    """

    async def drop(message: Message) -> None:
        """Nobody reads the answer."""

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/nowhere", "root_path": "", "headers": [], "query_string": b""}
    await api.router(scope, nothing, drop)


def _get_ready() -> None:
    """Compile what tiles need. All that is in memory by then stays: Panel collects garbage whenever a page is closed,
    and going through the modules each time took most of a second of the processor.
    """
    warm_up()
    gc.collect()
    gc.freeze()


def create_api(resources: Resources) -> FastAPI:
    """Return the routes without the gate; not to be served like this."""
    api = DescribedApi(
        title="Building footprints",
        version="1",
        description=DESCRIPTION,
        openapi_url=OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(bearer_in_docs), Depends(key_in_docs)],
        generate_unique_id_function=_name_of,
        lifespan=_lifespan,
    )
    api.state.resources = resources
    identifier = api.state.identifier = Identifier(resources)
    api.state.sockets = OpenSockets(resources, on_ended=identifier.forget)
    api.state.names = OwnNames(resources.settings)
    api.state.health = HealthMemo(resources)
    api.state.readiness = Readiness(resources)
    api.state.http_figures = HttpFigures(api.state.sockets.count)
    api.state.installation_watch = InstallationWatch(resources)
    api.state.figures_place = CapacityLimiter(1)
    api.state.throttle = LoginThrottle()
    api.state.provider = IdentityProvider(resources.settings)
    api.state.provider_places = CapacityLimiter(PROVIDER_PLACES)
    api.state.call_counter = CallCounter(resources.settings)
    for module in ROUTES:
        api.include_router(module.router)
    for folder in PUBLIC_FOLDERS:
        api.mount(f"/assets/{folder}", FileFolder(directory=ASSETS / folder), name=f"assets-{folder}")
    add_problem_handlers(api)
    api.add_exception_handler(AlreadyAnswered, say_again)
    return api


def _name_of(route: APIRoute) -> str:
    """Name an operation as its function is named: generated clients call theirs the same."""
    return route.name
