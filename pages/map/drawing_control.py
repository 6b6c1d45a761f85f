"""Turns clicks, drags, keys and buttons into a drawing, and tells the page when the region changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bokeh.events import DoubleTap, SelectionGeometry, Tap
from shapely import Polygon

from pages.background import Background
from pages.map.canvas import MapCanvas
from pages.map.drawing import SNAP_PX, Drawing, History, Mode, Point, RegionRefused
from pages.map.glue import MapGlue
from pages.map.toolbar import DrawActions, DrawToolbar

BOX_SIDE_MIN_PX = 6


class DrawingControl:
    """Owns the history of the drawing. `on_region` is called when the region changes, `on_look` for other clicks."""

    def __init__(
        self,
        canvas: MapCanvas,
        background: Background,
        on_region: Callable[[Polygon | None], None],
        on_look: Callable[[Point], None],
    ) -> None:
        self.history = History()
        self._canvas = canvas
        soon = background.soon
        self._on_region = on_region
        self._on_look = on_look
        self.glue = MapGlue(lambda name: soon(self._on_key, name))
        self.toolbar = DrawToolbar(DrawActions(
            polygon=lambda: soon(self._toggle, Mode.POLYGON),
            box=lambda: soon(self._toggle, Mode.BOX),
            finish=lambda: soon(self._finish),
            undo=lambda: soon(self._undo),
            clear=lambda: soon(self._clear),
        ))
        self._listen()
        self._show()

    @property
    def drawing(self) -> Drawing:
        """The drawing as it is now."""
        return self.history.now

    def take_region(self, region: Polygon) -> None:
        """Begin with a region that was drawn before."""
        self._step(lambda: Drawing(region=region))

    def _listen(self) -> None:
        plot = self._canvas.figure
        plot.on_event(Tap, self._on_click)
        plot.on_event(DoubleTap, self._on_double_click)
        plot.on_event(SelectionGeometry, self._on_box)

    def _on_click(self, event: Any) -> None:
        point = (event.x, event.y)
        if self.drawing.mode is Mode.POLYGON:
            self._step(lambda: self.drawing.add_vertex(point, self._snap_m))
        elif self.drawing.mode is Mode.LOOK:
            self._on_look(point)

    def _on_double_click(self, event: Any) -> None:
        if self.drawing.mode is Mode.POLYGON:
            self._step(lambda: self.drawing.double_click((event.x, event.y), self._snap_m))

    def _on_box(self, event: SelectionGeometry) -> None:
        if self.drawing.mode is Mode.BOX and event.final and event.geometry["type"] == "rect":
            first = (event.geometry["x0"], event.geometry["y0"])
            opposite = (event.geometry["x1"], event.geometry["y1"])
            side_m = BOX_SIDE_MIN_PX * self._canvas.view.m_per_px
            self._step(lambda: self.drawing.finish_box(first, opposite, side_m))

    def _on_key(self, name: str) -> None:
        if name == "cancel":
            self._step(self.drawing.stop)
        elif name == "finish" and self.drawing.mode is Mode.POLYGON:
            self._finish()
        elif name == "undo":
            self._undo()

    def _toggle(self, mode: Mode) -> None:
        same = self.drawing.mode is mode
        self._step(self.drawing.stop if same else lambda: self.drawing.start(mode))

    def _finish(self) -> None:
        self._step(self.drawing.finish)

    def _undo(self) -> None:
        self.history.undo()
        self._show()

    def _clear(self) -> None:
        self.history.clear()
        self._show()

    def _step(self, step: Callable[[], Drawing]) -> None:
        try:
            self.history.record(step())
        except RegionRefused as refusal:
            self._show(str(refusal))
        else:
            self._show()

    def _show(self, problem: str = "") -> None:
        now = self.drawing
        self._canvas.draw(now)
        self._canvas.arm_box(now.mode is Mode.BOX)
        self.glue.param.update(mode=str(now.mode), corners=[list(corner) for corner in now.vertices])
        self.toolbar.show(self.history, problem)
        self._on_region(now.region)

    @property
    def _snap_m(self) -> float:
        return SNAP_PX * self._canvas.view.m_per_px
