"""One layer of XYZ tiles on the map, whose address may change without the picture blinking."""

from __future__ import annotations

from bokeh.models import TileRenderer, WMTSTileSource
from bokeh.plotting import figure

TILE_ZOOM_MAX = 22
SETTLES_TICKS = 3
EMPTY_URL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""One transparent pixel: what a layer without an address draws."""


def _source(url: str, zoom_max: int) -> WMTSTileSource:
    return WMTSTileSource(url=url, min_zoom=0, max_zoom=zoom_max, attribution="")


class TileLayer:
    """Two tile renderers that take turns: a newer state loads over the present one, which goes when it has settled.

    Replacing the address of one renderer would drop its tiles at once and leave a hole until the new ones arrive.
    """

    def __init__(self, plot: figure, name: str, zoom_max: int = TILE_ZOOM_MAX) -> None:
        self._zoom_max = zoom_max
        self._renderers = [self._add(plot, f"{name}-a"), self._add(plot, f"{name}-b")]
        self._front = 0
        self._url = ""
        self._next_url = ""
        self._opacity = 1.0
        self._visible = True
        self._settling_ticks = 0

    @property
    def url(self) -> str:
        """Address template shown, or about to be."""
        return self._next_url or self._url

    def show(self, url: str) -> None:
        """Show another set of tiles; an empty address shows none."""
        self._next_url = ""
        if url == self._url:
            return
        self._url = url
        self._settling_ticks = 0
        self._replace(self._front, url)
        self._style()

    def renew(self, url: str) -> None:
        """Load a newer state of the same tiles over the present one; one at a time, so that none queue up."""
        if not self._url or not self._visible:
            self.show(url)
        elif url != self._url:
            self._next_url = url
            if self._settling_ticks == 0:
                self._begin()

    def tick(self) -> None:
        """Count a second; after some the older tiles go, and a state that came meanwhile begins to load."""
        if self._settling_ticks > 0:
            self._settling_ticks -= 1
            if self._settling_ticks == 0:
                self._style()
        if self._settling_ticks == 0 and self._next_url:
            self._begin()

    def dress(self, visible: bool, opacity: float) -> None:
        """Set visibility and opacity in [0, 1]."""
        self._visible, self._opacity = visible, opacity
        self._style()

    def _begin(self) -> None:
        self._url, self._next_url = self._next_url, ""
        self._front = 1 - self._front
        self._settling_ticks = SETTLES_TICKS
        self._replace(self._front, self._url)
        self._style()

    def _style(self) -> None:
        shown = self._visible and bool(self._url)
        front, back = self._renderers[self._front], self._renderers[1 - self._front]
        front.update(visible=shown, alpha=self._opacity)
        back.update(visible=shown and self._settling_ticks > 0, alpha=self._opacity)

    def _replace(self, index: int, url: str) -> None:
        self._renderers[index].tile_source = _source(url or EMPTY_URL, self._zoom_max)

    def _add(self, plot: figure, name: str) -> TileRenderer:
        renderer = TileRenderer(tile_source=_source(EMPTY_URL, self._zoom_max), visible=False, name=name, level="image")
        plot.renderers.append(renderer)
        return renderer
