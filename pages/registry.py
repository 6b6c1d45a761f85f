"""Which path leads to which page. Factories, so that each open page has its own objects."""

from collections.abc import Callable
from functools import wraps

import panel as pn
import structlog

from pages.account.page import account_page
from pages.admin.page import admin_page
from pages.jobs.page import jobs_page
from pages.map.page import map_page
from pages.markup import pane
from pages.upload.page import upload_page

log = structlog.get_logger(__name__)

type PageFactory = Callable[[], pn.viewable.Viewable]

BROKEN = (
    '<div class="bf-welcome"><h2>This page could not be built</h2><p>The administrator finds the details in the '
    'server\'s log. Load the page again; if that does not help, <a href="/login">sign in again</a>.</p></div>'
)


def guarded(factory: PageFactory) -> PageFactory:
    """Return the factory with a sentence in place of the traceback that Panel would show to everybody."""

    @wraps(factory)
    def build() -> pn.viewable.Viewable:
        try:
            return factory()
        except Exception:
            log.exception("page_failed", page=factory.__name__)
            return pane(BROKEN)

    return build


PAGES: dict[str, PageFactory] = {
    "/": guarded(map_page),
    "/upload": guarded(upload_page),
    "/jobs": guarded(jobs_page),
    "/account": guarded(account_page),
    "/admin": guarded(admin_page),
}
