"""The factory of the map page."""

import panel as pn
from bokeh.io import curdoc

from pages.layout import PageParts, build_page
from pages.map import address
from pages.map.app import MapApp
from pages.request import argument
from pages.session import current_session


def map_page() -> pn.viewable.Viewable:
    """Build the map for the person who asked for it."""
    session = current_session()
    asked = {name: argument(name, address.LENGTH_MAX) for name in address.NAMES}
    app = MapApp(session, {name: value for name, value in asked.items() if value is not None})
    page = build_page(session, PageParts("Map", "/", [app.main], app.result.sidebar.items))
    app.filters.dark = page.dark_theme
    page.param.watch(lambda event: app.filters.param.update(dark=event.new), ["dark_theme"])
    curdoc().add_next_tick_callback(app.open)
    return page
