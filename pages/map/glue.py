"""The browser's side of drawing: keys, and the line that follows the pointer."""

from collections.abc import Callable

import panel as pn
import param

from pages.markup import ASSETS


class MapGlue(pn.custom.JSComponent):
    """Tells the server of the keys Esc, Enter and Backspace while a shape is drawn."""

    mode = param.String(default="look", doc="What a click on the map does.")
    corners = param.List(default=[], doc="Corners so far, each [x_m, y_m].")

    _esm = ASSETS / "js" / "map_glue.js"

    def __init__(self, on_key: Callable[[str], None]) -> None:
        super().__init__(width=0, height=0, margin=0)
        self._on_key = on_key

    def _handle_msg(self, data: str) -> None:
        self._on_key(data)
