"""Histograms of what the map shows, linked to it: a range that is dragged over one becomes a filter of the map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import holoviews as hv
import panel as pn
from bokeh.models import NumeralTickFormatter
from holoviews.streams import BoundsX, Pipe
from numpy.typing import NDArray

from pages.markup import pane

HEIGHT_PX = 74
BAR_COLOUR = "#3d86c0"
RANGE_COLOUR = "#a64dff"
INK = "#7b8d9a"
"""Readable on light and on dark."""
EMPTY_EDGES = (1.0, 10.0)

hv.extension("bokeh", logo=False)

Range = tuple[float, float]


@dataclass(frozen=True)
class Bars:
    """counts: (N,) footprints in each bin; edges: (N + 1,) in the unit of the axis, rising, positive on a log axis."""

    counts: NDArray[Any]
    edges: NDArray[Any]


class LinkedHistogram:
    """One histogram. `chosen` is called with the range that a person drags."""

    def __init__(self, title: str, *, log_axis: bool, chosen: Callable[[Range], None]) -> None:
        self._bars = Pipe(data=None)
        plot = hv.DynamicMap(partial(_histogram, log_axis), streams=[self._bars])
        self._range = BoundsX(source=plot)
        self._range.add_subscriber(self._on_range)
        self._chosen = chosen
        chart = pn.pane.HoloViews(plot, height=HEIGHT_PX, sizing_mode="stretch_width", margin=0, linked_axes=False)
        self.item = pn.Column(
            pane(f'<p class="bf-note">{title}</p>'), chart, margin=0, sizing_mode="stretch_width",
            css_classes=["bf-histogram"],
        )

    def show(self, bars: Bars | None) -> None:
        """Draw other counts; None empties it."""
        self._bars.send(bars)

    def _on_range(self, boundsx: Range | None) -> None:
        """Pass a range on. A plot that is drawn anew may tell of none: nobody chose that."""
        if boundsx is not None:
            self._chosen((float(boundsx[0]), float(boundsx[1])))


def _histogram(log_axis: bool, data: Bars | None) -> hv.Histogram:
    edges, counts = (EMPTY_EDGES, [0]) if data is None else (data.edges, data.counts)
    options = {
        "responsive": True, "height": HEIGHT_PX, "logx": log_axis, "color": BAR_COLOUR, "line_color": None,
        "tools": ["xbox_select", "hover"], "default_tools": [], "active_tools": ["xbox_select"], "toolbar": None,
        "yaxis": None, "xlabel": "", "show_frame": False, "framewise": True, "axiswise": True,
        "xformatter": NumeralTickFormatter(format="0[.]0a"), "hooks": [_dress],
    }  # fmt: skip
    return hv.Histogram((edges, counts), kdims="range", vdims="buildings").opts(hv.opts.Histogram(**options))


def _dress(plot: Any, element: object) -> None:
    """Give the chart the look of the drawer, in which it has no frame of its own."""
    figure = plot.state
    figure.update(background_fill_alpha=0, border_fill_alpha=0, outline_line_color=None, min_border=0)
    figure.xaxis.update(
        major_label_text_color=INK, major_label_text_font_size="10px", axis_line_color=INK, axis_line_alpha=0.5,
        major_tick_line_color=INK, minor_tick_line_color=None, major_tick_out=3, major_tick_in=0,
    )
    for tool in figure.toolbar.tools:
        if hasattr(tool, "overlay"):
            tool.overlay.update(fill_color=RANGE_COLOUR, fill_alpha=0.15, line_color=RANGE_COLOUR, line_alpha=0.8)
