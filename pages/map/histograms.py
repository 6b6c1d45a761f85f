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

HEIGHT_PX = 92
BAR_COLOUR = "#1f6aa5"
RANGE_COLOUR = "#a64dff"

hv.extension("bokeh", logo=False)

Range = tuple[float, float]


@dataclass(frozen=True)
class Bars:
    """counts: (N,) footprints in each bin; edges: (N + 1,) in the unit of the axis."""

    counts: NDArray[Any]
    edges: NDArray[Any]


class LinkedHistogram:
    """One histogram. `chosen` is called with the range that a person drags, `None` when they click it away."""

    def __init__(self, label: str, *, log_axis: bool, chosen: Callable[[Range | None], None]) -> None:
        self._label = label
        self._log_axis = log_axis
        self._bars = Pipe(data=None)
        self._chosen = chosen
        plot = hv.DynamicMap(partial(_histogram, label, log_axis), streams=[self._bars])
        self._range = BoundsX(source=plot)
        self._range.add_subscriber(self._on_range)
        self.pane = pn.pane.HoloViews(plot, height=HEIGHT_PX, sizing_mode="stretch_width", margin=0, linked_axes=False)

    def show(self, bars: Bars | None) -> None:
        """Draw other counts; None empties it."""
        self._bars.send(bars)

    def _on_range(self, boundsx: Range | None) -> None:
        self._chosen(None if boundsx is None else (float(boundsx[0]), float(boundsx[1])))


def _histogram(label: str, log_axis: bool, data: Bars | None) -> hv.Histogram:
    edges, counts = ([0.0, 1.0], [0]) if data is None else (data.edges, data.counts)
    return hv.Histogram((edges, counts), kdims=label, vdims="buildings").opts(
        hv.opts.Histogram(
            responsive=True, height=HEIGHT_PX, logx=log_axis, color=BAR_COLOUR, line_color=None, alpha=0.9,
            tools=["xbox_select", "hover"], active_tools=["xbox_select"], toolbar=None, yaxis=None, show_frame=False,
            xformatter=NumeralTickFormatter(format="0[.]0a"), backend_opts={"plot.background_fill_alpha": 0},
        )
    )
