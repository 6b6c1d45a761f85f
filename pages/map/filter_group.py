"""The group "Filters" of the drawer: what hides footprints, which of it is active, and back to all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from pages.map.brushes import Brushes
from pages.map.filter_words import active_line
from pages.map.filters import ANY, NARROWING, MapFilters
from pages.map.review_words import REVIEWS
from pages.map.sources import Source, unlike
from pages.markup import pane

if TYPE_CHECKING:
    from processing.footprint_index.statistics import ViewStatistics

REVIEW_CHOICES = {"Reviewed or not": ANY, **REVIEWS}
ALL_SOURCES = {"All sources": ANY}
NO_REGION = '<p class="bf-note">Draw a polygon or a box on the map first. Drawing alone hides nothing.</p>'
UNFOLDED, FOLDED = "expand_less", "expand_more"
FOLD_SX = {
    "padding": "2px 4px 2px 0", "fontSize": "11px", "fontWeight": 600, "letterSpacing": ".07em",
    "textTransform": "uppercase", "color": "text.secondary", "minWidth": "0",
}
CENTRED = {"align-items": "center", "gap": "4px"}


class FilterGroup:
    """`item` goes into the drawer. Folded, it still tells which filters are active."""

    def __init__(self, filters: MapFilters) -> None:
        self._filters = filters
        self._source_labels: dict[str, str] = {}
        self._brushes = Brushes(filters)
        self._source = _select(filters.param.source, ALL_SOURCES)
        self._no_region = pane(NO_REGION)
        region = pmui.Switch.from_param(filters.param.region_only, label="Only in the drawn area", size="small",
                                        margin=0, description="")
        self._region = region
        self._body = pn.Column(
            *self._brushes.items, _select(filters.param.review, REVIEW_CHOICES), self._source, _dates(filters),
            region, self._no_region, margin=0, sizing_mode="stretch_width", styles={"gap": "12px"},
        )
        self._fold = pmui.Button(label="Filters", end_icon=UNFOLDED, size="small", variant="text", margin=0,
                                 on_click=lambda _: self._fold_or_unfold(), sx=FOLD_SX)
        self._clear = pmui.Button(label="Clear all", size="small", variant="text", margin=0,
                                  on_click=lambda _: filters.widen(), sx={"padding": "2px 6px"})
        self._active = pane(visible=False)
        head = pn.Row(self._fold, pn.Spacer(sizing_mode="stretch_width"), self._clear, margin=0,
                      sizing_mode="stretch_width", styles=CENTRED)
        self.item = pn.Column(head, self._active, self._body, margin=0, sizing_mode="stretch_width",
                              css_classes=["bf-filters"], styles={"gap": "8px"})
        filters.param.watch(lambda *_: self._follow(), [*NARROWING, "region_m", "everything"])
        self._follow()

    def show(self, found: ViewStatistics | None) -> None:
        """Show the distributions of what is shown."""
        self._brushes.show(found)

    def offer_sources(self, found: list[Source]) -> None:
        """Offer where footprints may come from. A choice that is gone is given up."""
        options = ALL_SOURCES | unlike(found)
        self._source_labels = {source.key: source.label for source in found}
        if options != self._source.options:
            chosen = self._filters.source if self._filters.source in options.values() else ANY
            self._source.param.update(options=options, value=chosen)
        self._follow()

    def _follow(self) -> None:
        filters = self._filters
        line = active_line(filters, self._source_labels)
        self._active.param.update(object=f'<p class="bf-note bf-active" role="status">{line}</p>', visible=bool(line))
        self._clear.visible = filters.is_narrowed
        self._source.visible = filters.everything and len(self._source.options) > 2
        self._region.disabled = filters.region_m is None
        self._no_region.visible = filters.region_m is None

    def _fold_or_unfold(self) -> None:
        self._body.visible = not self._body.visible
        self._fold.end_icon = UNFOLDED if self._body.visible else FOLDED


def _select(parameter: Any, options: dict[str, str]) -> pmui.Select:
    return pmui.Select.from_param(parameter, label="", options=options, size="small", margin=0,
                                  sizing_mode="stretch_width", variant="outlined", description="")


def _dates(filters: MapFilters) -> pn.Row:
    pickers = [
        pmui.DatePicker.from_param(
            parameter, label=label, clearable=True, size="small", margin=0, sizing_mode="stretch_width",
            variant="outlined", description="",
        )
        for parameter, label in ((filters.param.created_from, "Since"), (filters.param.created_to, "Until"))
    ]
    return pn.Row(*pickers, margin=0, sizing_mode="stretch_width", styles={"gap": "8px"})
