"""The histograms of confidence and area, and what a range that is dragged over one of them hides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import panel_material_ui as pmui

from pages.map.filters import MapFilters
from pages.map.histograms import Bars, LinkedHistogram, Range

if TYPE_CHECKING:
    from processing.footprint_index.statistics import ViewStatistics

BINS_AT_ONCE = 4
"""The index counts confidences by hundredths; so many make one bar."""


class Brushes:
    """`items` go into the drawer, one below the other."""

    def __init__(self, filters: MapFilters) -> None:
        self._filters = filters
        self._slider = pmui.FloatSlider(label="Least confidence", start=0, end=1, step=0.01,
                                        value=filters.min_confidence, size="small", margin=(0, 8),
                                        sizing_mode="stretch_width")
        self._slider.link(filters, value_throttled="min_confidence")
        filters.param.watch(lambda event: self._slider.param.update(value=event.new), ["min_confidence"])
        self._confidence = LinkedHistogram("Confidence", log_axis=False, chosen=self._choose_confidence)
        self._area = LinkedHistogram("Roof area, m²", log_axis=True, chosen=self._choose_area)
        self.items = [self._confidence.item, self._slider, self._area.item]

    def show(self, found: ViewStatistics | None) -> None:
        """Show the distributions; None, or of nothing: none."""
        known = found if found is not None and found.count else None
        self._confidence.show(None if known is None else confidence_bars(known))
        self._area.show(None if known is None else area_bars(known))

    def _choose_confidence(self, chosen: Range) -> None:
        low, high = (round(min(max(value, 0.0), 1.0), 2) for value in chosen)
        if low < high:
            self._filters.param.update(min_confidence=low, max_confidence=high if high < 1 else None)

    def _choose_area(self, chosen: Range) -> None:
        low, high = _two_digits(chosen[0]), _two_digits(chosen[1])
        if low < high:
            self._filters.area_m2 = low, high


def confidence_bars(found: ViewStatistics) -> Bars:
    """Return the histogram of confidence in bars wide enough to be seen."""
    counts = found.confidence_histogram.reshape(-1, BINS_AT_ONCE).sum(axis=1)
    return Bars(counts, np.linspace(0, 1, len(counts) + 1))


def area_bars(found: ViewStatistics) -> Bars:
    """Return the histogram of area between the smallest and the largest bin that hold something."""
    edges = found.area_edges_m2.copy()
    edges[0], edges[-1] = edges[1] / math.sqrt(2), edges[-2] * math.sqrt(2)
    held = np.flatnonzero(found.area_histogram)
    first, last = int(held[0]), int(held[-1]) + 1
    return Bars(found.area_histogram[first:last], edges[first : last + 1])


def _two_digits(value: float) -> float:
    """Round to two digits: a hand does not drag more precisely."""
    return float(f"{max(value, 0.0):.2g}")
