import gc
import weakref

import numpy as np
import pytest
from bokeh.events import PanEnd, PanStart, SelectionGeometry
from bokeh.models import ColumnDataSource, FixedTicker, Plot
from panel.io import state

from pages.map.histograms import TICKS_MAX, Bars, LinkedHistogram, log_ticks

BARS = Bars(np.array([1, 5, 2]), np.array([1.0, 10.0, 100.0, 1000.0]))


def test_new_counts_go_into_the_same_chart_but_not_under_a_dragging_hand():
    chosen = []
    histogram = LinkedHistogram("Area", log_axis=True, chosen=chosen.append)
    figure = histogram.item[1].get_root().select_one({"type": Plot})
    source = figure.select_one({"type": ColumnDataSource})
    histogram.show(BARS)
    assert source.data["top"].tolist() == [1, 5, 2]
    assert (figure.x_range.start, figure.x_range.end) == (1.0, 1000.0)
    assert isinstance(figure.xaxis[0].ticker, FixedTicker)
    drag = SelectionGeometry(figure, geometry={"type": "rect", "x0": 3.0, "x1": 40.0}, final=True)
    figure._trigger_event(PanStart(figure))
    histogram.show(None)
    assert source.data["top"].tolist() == [1, 5, 2]
    figure._trigger_event(drag)
    figure._trigger_event(PanEnd(figure))
    assert chosen == [(3.0, 40.0)]
    assert source.data["top"].tolist() == [0]


def test_a_chart_is_freed_once_its_page_is_closed():
    histogram = LinkedHistogram("Area", log_axis=True, chosen=print)
    root = histogram.item[1].get_root()
    histogram.show(BARS)
    kept, figure = weakref.ref(histogram), weakref.ref(root.select_one({"type": Plot}))
    histogram.item[1]._cleanup(root)  # What the library does as it takes a page down.
    state._views.pop(root.ref["id"], None)
    del histogram, root
    gc.collect()
    assert (kept(), figure()) == (None, None)


@pytest.mark.parametrize(("low", "high"), [(4, 360), (1, 1e6), (0.5, 1e9), (90, 180), (120, 140)])
def test_ticks_of_a_log_axis_are_few_and_lie_on_it(low, high):
    ticks = log_ticks(low, high)
    assert 2 <= len(ticks) <= TICKS_MAX
    assert low <= min(ticks) < max(ticks) <= high
