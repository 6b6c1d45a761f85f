"""One layer of XYZ tiles on the map, whose address may change without the picture blinking."""

from __future__ import annotations

from bokeh.models import TileRenderer, WMTSTileSource
from bokeh.plotting import figure

TILE_ZOOM_MAX = 22
EMPTY_URL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""One transparent pixel: what a layer without an address draws."""


def _source(url: str, zoom_max: int) -> WMTSTileSource:
    return WMTSTileSource(url=url, min_zoom=0, max_zoom=zoom_max, attribution="")


class TileLayer:
    """Two tile renderers that take turns: the next address loads unseen, then `settle` brings it to the front.

    Replacing the address of one renderer would drop its tiles at once and leave a hole until the new ones arrive.
    """

    def __init__(self, plot: figure, name: str, zoom_max: int = TILE_ZOOM_MAX) -> None:
        self._zoom_max = zoom_max
        self._renderers = [self._add(plot, f"{name}-a"), self._add(plot, f"{name}-b")]
        self._front = 0
        self._url = ""
        self._opacity = 1.0
        self._visible = True
        self._pending = False

    @property
    def url(self) -> str:
        """Address template shown, or about to be."""
        return self._url

    def show(self, url: str) -> None:
        """Show another set of tiles; an empty address shows none."""
        if url == self._url:
            return
        self._url = url
        self._pending = False
        self._replace(self._front, url)
        self._style()

    def renew(self, url: str) -> None:
        """Load a newer state of the same tiles behind the present one; `settle` shows it."""
        if not self._url or not self._visible:
            self.show(url)
        elif url != self._url:
            self._url = url
            self._pending = True
            self._replace(1 - self._front, url)
            self._style()

    def settle(self) -> None:
        """Bring a renewed state to the front."""
        if self._pending:
            self._pending = False
            self._front = 1 - self._front
            self._style()

    def dress(self, visible: bool, opacity: float) -> None:
        """Set visibility and opacity in [0, 1]."""
        self._visible, self._opacity = visible, opacity
        self._style()

    def _style(self) -> None:
        shown = self._visible and bool(self._url)
        front, back = self._renderers[self._front], self._renderers[1 - self._front]
        front.update(visible=shown, alpha=self._opacity)
        # Only a visible renderer asks for tiles, so the one that loads is visible but fully transparent.
        back.update(visible=shown and self._pending, alpha=0.0)

    def _replace(self, index: int, url: str) -> None:
        self._renderers[index].tile_source = _source(url or EMPTY_URL, self._zoom_max)

    def _add(self, plot: figure, name: str) -> TileRenderer:
        renderer = TileRenderer(tile_source=_source(EMPTY_URL, self._zoom_max), visible=False, name=name, level="image")
        plot.renderers.append(renderer)
        return renderer

