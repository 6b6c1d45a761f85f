"""Entry point: `uvicorn panel_serve:app` serves the API and the pages in one process."""

import os

from webapp.logs import configure_logs
from webapp.resources import open_resources
from webapp.settings import load_settings

settings = load_settings()
configure_logs(settings, "server")
# Bokeh reads these once, when it is imported.
os.environ["BOKEH_SIGN_SESSIONS"] = "True"
os.environ["BOKEH_SECRET_KEY"] = settings.secret_key_bytes.hex()
os.environ["BOKEH_RESOURCES"] = "server"

from bokeh.server.auth import AuthPolicy  # noqa: E402
from bokeh.server.request import ServerRequest  # noqa: E402
from bokeh.util.token import get_token_payload  # noqa: E402
from fastapi import FastAPI  # noqa: E402
from panel.io.fastapi import add_applications  # noqa: E402

from pages.registry import PAGES  # noqa: E402
from webapp.api.main import Pages, create_app  # noqa: E402
from webapp.api.page_owner import PAGE_OWNER_HEADER  # noqa: E402

OWNER_HEADER = PAGE_OWNER_HEADER.decode()


def page_user(request: ServerRequest) -> str | None:
    """Return who the gate let in; None for a websocket whose page was made for another session."""
    principal = request.state.get("principal")
    owner = request.headers.get(OWNER_HEADER)
    if principal is None or owner is None:
        return None
    protocols = [part.strip() for part in request.headers.get("sec-websocket-protocol", "").split(",")]
    if len(protocols) == 2 and get_token_payload(protocols[1]).get("headers", {}).get(OWNER_HEADER) != owner:
        return None
    return str(principal.username)


def install_pages(api: FastAPI) -> None:
    """Serve the pages. Nothing of the request but its owner's mark goes into the page's token."""
    add_applications(
        dict(PAGES),
        app=api,
        auth_policy=AuthPolicy(page_user, login_url="/login"),
        include_headers=[OWNER_HEADER],
        include_cookies=[],
        session_history=0,
    )


app = create_app(open_resources(settings), Pages(paths=tuple(PAGES), install=install_pages))
