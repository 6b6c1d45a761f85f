"""Key figures of what is shown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pages import formats
from pages.map.filters import MapFilters
from pages.markup import figures, pane

if TYPE_CHECKING:
    from processing.footprint_index.statistics import ViewStatistics


class FigurePanel:
    """`items` go into the drawer, one below the other."""

    def __init__(self, filters: MapFilters) -> None:
        self._filters = filters
        self._figures = pane()
        self._density = pane(visible=False)
        self._unrated = pane(visible=False)
        self.items = [self._figures, self._unrated, self._density]

    def show(self, found: ViewStatistics | None) -> None:
        """Show figures; None: nothing is known."""
        known = found if found is not None and found.count else None
        self._figures.object = figures([
            ("buildings", formats.NO_VALUE if found is None else formats.count(found.count)),
            ("roof area", formats.area(known.total_area_m2) if known else formats.NO_VALUE),
            ("mean confidence", mean_share(known.mean_confidence) if known else formats.NO_VALUE),
        ])
        self._unrated.param.update(object=unrated_line(known), visible=bool(known and known.without_confidence))
        self._density.visible = known is not None and self._filters.view_only
        if known is not None:
            self._density.object = density_line(known)


def mean_share(value: float) -> str:
    """Return a mean in [0, 1] as a percentage; NaN: of nothing."""
    return formats.NO_VALUE if math.isnan(value) else formats.share(value)


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
