"""Key figures of what is shown, histograms that filter the map, and the filters themselves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import panel as pn
import panel_material_ui as pmui

from pages import formats
from pages.map.filters import ANY, MapFilters
from pages.map.histograms import Bars, LinkedHistogram, Range
from pages.markup import figures, pane

if TYPE_CHECKING:
    from processing.footprint_index.statistics import ViewStatistics

BINS_AT_ONCE = 4
"""The index counts confidences by hundredths; so many make one bar."""
REVIEW_CHOICES = {"Reviewed or not": ANY, "Not reviewed": "unreviewed", "Right": "accepted", "Wrong": "rejected"}


class FigurePanel:
    """`items` go into the drawer, one below the other."""

    def __init__(self, filters: MapFilters) -> None:
        self._filters = filters
        self._figures = pane()
        self._density = pane(visible=False)
        self._unrated = pane(visible=False)
        self._slider = pmui.FloatSlider(label="Least confidence", start=0, end=1, step=0.01,
                                        value=filters.min_confidence, size="small", margin=(0, 8),
                                        sizing_mode="stretch_width")
        self._slider.link(filters, value_throttled="min_confidence")
        self._review = pmui.Select.from_param(
            filters.param.review, label="", options=REVIEW_CHOICES, size="small", margin=0,
            sizing_mode="stretch_width", variant="outlined", description="",
        )
        self._confidence = LinkedHistogram("Confidence", log_axis=False, chosen=self._choose_confidence)
        self._area = LinkedHistogram("Roof area, m²", log_axis=True, chosen=self._choose_area)
        self._narrowed = pane(sizing_mode=None, styles={"flex": "1"})
        self._reset = pmui.Button(label="Show all", size="small", variant="text", margin=0,
                                  on_click=lambda _: filters.widen())
        self._note = pn.Row(self._narrowed, self._reset, visible=False, margin=0, sizing_mode="stretch_width",
                            styles={"align-items": "center"})
        filters.param.watch(self._follow, ["min_confidence", "max_confidence", "area_m2", "review"])
        self.items = [self._figures, self._unrated, self._density, self._confidence.item, self._slider, self._area.item,
                      self._review, self._note]

    def show(self, found: ViewStatistics | None) -> None:
        """Show figures; None: nothing is known."""
        known = found if found is not None and found.count else None
        self._figures.object = figures([
            ("buildings", formats.NO_VALUE if found is None else formats.count(found.count)),
            ("roof area", formats.area(known.total_area_m2) if known else formats.NO_VALUE),
            ("mean confidence", _mean_confidence(known)),
        ])
        self._unrated.param.update(object=unrated_line(known), visible=bool(known and known.without_confidence))
        self._density.visible = known is not None and self._filters.view_only
        if known is not None:
            self._density.object = density_line(known)
        self._confidence.show(None if known is None else confidence_bars(known))
        self._area.show(None if known is None else area_bars(known))

    def _choose_confidence(self, chosen: Range) -> None:
        low, high = max(0.0, chosen[0]), chosen[1]
        self._filters.param.update(
            min_confidence=round(low, 2), max_confidence=round(high, 2) if high < 1 else None
        )

    def _choose_area(self, chosen: Range) -> None:
        self._filters.area_m2 = _two_digits(chosen[0]), _two_digits(chosen[1])

    def _follow(self, _: object) -> None:
        self._slider.value = self._filters.min_confidence
        self._narrowed.object = f'<p class="bf-note" role="status">{narrowed_line(self._filters)}</p>'
        self._note.visible = self._filters.is_narrowed


def narrowed_line(filters: MapFilters) -> str:
    """Return in words what is left of all footprints, as HTML."""
    parts = []
    if filters.min_confidence or filters.max_confidence:
        parts.append(f"confidence {filters.min_confidence:.2f} to {filters.max_confidence or 1:.2f}")
    if filters.area_m2:
        low, high = filters.area_m2
        parts.append(f"{low:,.0f} to {high:,.0f} m²")
    if filters.review != ANY:
        words = next(label for label, state in REVIEW_CHOICES.items() if state == filters.review)
        parts.append(words.lower())
    return "Only " + ", ".join(parts)


def _mean_confidence(known: ViewStatistics | None) -> str:
    mean = math.nan if known is None else known.mean_confidence
    return formats.NO_VALUE if math.isnan(mean) else formats.share(mean)


def unrated_line(known: ViewStatistics | None) -> str:
    """Return of how many buildings the confidence is not stated, as HTML."""
    if known is None:
        return ""
    which = "all of them" if known.without_confidence == known.count else formats.count(known.without_confidence)
    return f'<p class="bf-note">Confidence is not stated for {which}.</p>'


def density_line(found: ViewStatistics) -> str:
    """Return how densely the view is built, as HTML."""
    share = f"{found.built_up_share * 100:.2g} %" if found.built_up_share < 0.1 else formats.share(found.built_up_share)
    density = f"{found.density_per_km2:,.0f}" if found.density_per_km2 >= 1 else f"{found.density_per_km2:.2g}"
    return f'<p class="bf-note">{density} buildings per km², {share} of the ground under roofs</p>'


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
