"""Which tiles lie on the map, how visible they are, and in which look."""

from pages.background import Background
from pages.map.canvas import MapCanvas
from pages.map.filters import MapFilters

OWN_BASE_URL = "/tiles/base/{Z}/{X}/{Y}.png?theme="


def scene_url(scene_id: str) -> str:
    """Return the address template of a scene's imagery."""
    return f"/tiles/scenes/{scene_id}/{{Z}}/{{X}}/{{Y}}.png"


def bokeh_template(template: str) -> str:
    """Return an XYZ template with the placeholders that Bokeh fills in."""
    return template.replace("{x}", "{X}").replace("{y}", "{Y}").replace("{z}", "{Z}")


class LayerControl:
    """Follows the filters. The own base map stays below an outer one, so that there is a map when that is down."""

    def __init__(
        self, canvas: MapCanvas, background: Background, filters: MapFilters, basemap_url_template: str
    ) -> None:
        self._canvas = canvas
        self._filters = filters
        self._outer_url = bokeh_template(basemap_url_template)
        filters.param.watch(lambda *_: background.soon(self._dress), [
            "base_visible", "imagery_visible", "imagery_opacity", "footprints_visible", "footprints_opacity",
        ])
        filters.param.watch(lambda *_: background.soon(self._take_look), ["dark"])
        self._started = False
        self._dress()
        self._take_look()

    def start(self) -> None:
        """Begin to draw the base map: not before it is known where to look, or a whole country loads for nothing."""
        if not self._started:
            self._started = True
            self._take_look()

    def show_scene(self, scene_id: str | None) -> None:
        """Show the imagery of one scene, or of none."""
        self._canvas.imagery.show("" if scene_id is None else scene_url(scene_id))

    def _dress(self) -> None:
        filters, canvas = self._filters, self._canvas
        canvas.base.dress(filters.base_visible, 1.0)
        canvas.outer_base.dress(filters.base_visible, 1.0)
        canvas.imagery.dress(filters.imagery_visible, filters.imagery_opacity)
        canvas.footprints.dress(filters.footprints_visible, filters.footprints_opacity)
        canvas.let_hover(filters.footprints_visible)

    def _take_look(self) -> None:
        self._canvas.darken(self._filters.dark)
        if self._started:
            self._canvas.base.show(OWN_BASE_URL + ("dark" if self._filters.dark else "light"))
            self._canvas.outer_base.show(self._outer_url)
