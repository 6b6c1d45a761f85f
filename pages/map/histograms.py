"""Histograms of what the map shows, linked to it: a range that is dragged over one becomes a filter of the map.

HoloViews makes each chart once. New counts go into its data source: a chart that was made anew would cost more than the
counts, and would slip away under the hand that is dragging over it.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.events import PanEnd, PanStart, SelectionGeometry
from bokeh.models import FixedTicker, NumeralTickFormatter
from numpy.typing import NDArray

from pages.markup import pane

HEIGHT_PX = 74
BAR_COLOUR = "#3d86c0"
RANGE_COLOUR = "#a64dff"
INK = "#7b8d9a"
"""Readable on light and on dark."""
HEADROOM = 1.05
TICKS_MAX = 7

hv.extension("bokeh", logo=False)

Range = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Bars:
    """counts: (N,) footprints in each bin; edges: (N + 1,) in the unit of the axis, rising, positive on a log axis."""

    counts: NDArray[Any]
    edges: NDArray[Any]

    def same_as(self, other: Bars | None) -> bool:
        """Tell whether both draw the same."""
        return other is not None and all(
            np.array_equal(own, its) for own, its in ((self.counts, other.counts), (self.edges, other.edges))
        )


NO_BARS = Bars(np.zeros(1, np.int64), np.array([1.0, 10.0]))


class LinkedHistogram:
    """One histogram. `chosen` is called with the range that a person drags."""

    def __init__(self, title: str, *, log_axis: bool, chosen: Callable[[Range], None]) -> None:
        self._handles: dict[str, Any] = {}
        self._log_axis = log_axis
        self._shown = NO_BARS
        self._waiting: Bars | None = None
        self._brushing = False
        self._chosen = chosen
        bars = hv.Histogram((NO_BARS.edges, NO_BARS.counts), kdims="range", vdims="buildings")
        # HoloViews keeps the options of a chart for as long as the chart lives: an option that kept the page, and with
        # it the chart, would keep both for ever.
        taken = weakref.WeakMethod(self._take)
        plot = bars.opts(hv.opts.Histogram(**_look(log_axis), hooks=[lambda *made: _call(taken, *made)]))
        chart = pn.pane.HoloViews(plot, height=HEIGHT_PX, sizing_mode="stretch_width", margin=0, linked_axes=False)
        self.item = pn.Column(
            pane(f'<p class="bf-note">{title}</p>'), chart, margin=0, sizing_mode="stretch_width",
            css_classes=["bf-histogram"],
        )

    def show(self, bars: Bars | None) -> None:
        """Draw other counts; None empties it. While a range is dragged the chart stays, and follows afterwards."""
        self._waiting = bars or NO_BARS
        if not self._brushing:
            self._draw()

    def _draw(self) -> None:
        bars, self._waiting = self._waiting, None
        if bars is None or bars.same_as(self._shown):
            return
        self._shown = bars
        if self._handles:
            self._fill()

    def _fill(self) -> None:
        bars, handles = self._shown, self._handles
        handles["source"].data = {"top": bars.counts, "left": bars.edges[:-1], "right": bars.edges[1:]}
        handles["x_range"].update(start=float(bars.edges[0]), end=float(bars.edges[-1]))
        if self._log_axis:
            handles["xaxis"].ticker = FixedTicker(ticks=log_ticks(float(bars.edges[0]), float(bars.edges[-1])))
        handles["y_range"].update(start=0.0, end=HEADROOM * max(1.0, float(bars.counts.max())))

    def _take(self, plot: Any, element: object) -> None:
        """Keep what the chart is made of, and give it the look of the drawer, in which it has no frame of its own."""
        self._handles = plot.handles
        _dress(plot.state)
        self._fill()
        plot.state.on_event(PanStart, lambda _: self._brush(True))
        plot.state.on_event(PanEnd, lambda _: self._brush(False))
        # Straight from Bokeh: through a HoloViews stream, which queues events once more, a drag was seen to get lost.
        plot.state.on_event(SelectionGeometry, self._on_selection)

    def _brush(self, begun: bool) -> None:
        self._brushing = begun
        if not begun:
            self._draw()

    def _on_selection(self, event: SelectionGeometry) -> None:
        """Pass the range of a drag that has ended on."""
        if event.final and event.geometry["type"] == "rect":
            self._chosen((float(event.geometry["x0"]), float(event.geometry["x1"])))


def _call(method: weakref.WeakMethod[Callable[..., None]], *made: Any) -> None:
    alive = method()
    if alive is not None:
        alive(*made)


def log_ticks(low: float, high: float) -> list[float]:
    """Return at most seven ticks between two positive numbers, so few that their labels do not meet on a log axis."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        found = [tick for tick in ticks if low <= tick <= high]
        if 2 <= len(found) <= TICKS_MAX:
            return found
        if len(found) < 2:
            return [low, high]
    return found[:: math.ceil(len(found) / TICKS_MAX)]


def _look(log_axis: bool) -> dict[str, Any]:
    return {
        "responsive": True, "height": HEIGHT_PX, "logx": log_axis, "color": BAR_COLOUR, "line_color": None,
        "tools": ["xbox_select", "hover"], "default_tools": [], "active_tools": ["xbox_select"], "toolbar": None,
        "yaxis": None, "xlabel": "", "show_frame": False, "framewise": True, "axiswise": True,
        "xformatter": NumeralTickFormatter(format="0[.]0a"),
    }  # fmt: skip


def _dress(figure: Any) -> None:
    figure.update(background_fill_alpha=0, border_fill_alpha=0, outline_line_color=None, min_border=0)
    figure.xaxis.update(
        major_label_text_color=INK, major_label_text_font_size="10px", axis_line_color=INK, axis_line_alpha=0.5,
        major_tick_line_color=INK, minor_tick_line_color=None, major_tick_out=3, major_tick_in=0,
    )
    for tool in figure.toolbar.tools:
        if hasattr(tool, "overlay"):
            tool.overlay.update(fill_color=RANGE_COLOUR, fill_alpha=0.15, line_color=RANGE_COLOUR, line_alpha=0.8)
