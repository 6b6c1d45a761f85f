"""The bar at the top of each page: where one can go, who one is, and the way out."""

import panel as pn
import param

from pages.markup import ASSETS, stylesheet

LINKS = [("Map", "/", "map"), ("Upload", "/upload", "upload"), ("Jobs", "/jobs", "jobs")]
ADMIN_LINK = ("Admin", "/admin", "admin")
ACCOUNT_PATH = "/account"


class AppHeader(pn.custom.JSComponent):
    """Navigation, look and sign-out. It also loads the page again when the server comes back."""

    active = param.String(default="/", doc="Path of the page that is open.")
    links = param.List(default=LINKS, doc="(label, path, icon) of each page.")
    account_path = param.String(default=ACCOUNT_PATH, doc="Where the person's name leads.")
    username = param.String(default="", doc="Who is signed in.")
    csrf_token = param.String(default="", doc="Sent with the request that ends the session.")

    _esm = ASSETS / "js" / "app_header.js"
    _stylesheets = [stylesheet("header.css")]  # noqa: RUF012 (Panel's own name for it)
