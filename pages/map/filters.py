"""What the map shows, as parameters that widgets are bound to and others watch."""

from __future__ import annotations

import param

from pages.projection import Bounds
from processing.footprint_index.palettes import QUANTITIES, Style
from webapp.services.footprints import FootprintQuery

ANY = "any"
# What is shown, apart from the choice of the job; a change of any of these draws the map anew.
SHOWN = ("everything", "min_confidence", "max_confidence", "area_m2", "review")


class MapFilters(param.Parameterized):
    """The choices of one open map page."""

    scene_id = param.String(default=None, allow_None=True, doc="The chosen scene.")
    job_id = param.String(default=None, allow_None=True, doc="The job whose footprints are shown.")
    everything = param.Boolean(default=False, doc="Whether the footprints of all jobs are shown, not of one.")
    min_confidence = param.Number(default=0.0, bounds=(0.0, 1.0), doc="Footprints below this are hidden.")
    max_confidence = param.Number(default=None, allow_None=True, doc="Footprints at or above this are hidden.")
    area_m2 = param.Tuple(default=None, allow_None=True, length=2, doc="Only footprints with an area in this range.")
    review = param.Selector(default=ANY, objects=[ANY, "unreviewed", "accepted", "rejected"],
                            doc="Only footprints in this state of review.")
    colour_by = param.Selector(default="confidence", objects=list(QUANTITIES), doc="What the colours tell.")
    weights = param.String(default=None, allow_None=True, doc="The weights of the next extraction; None: the default.")
    view_only = param.Boolean(default=False, doc="Whether figures and exports cover the current view only.")
    base_visible = param.Boolean(default=True, doc="Whether the base map is drawn.")
    imagery_visible = param.Boolean(default=True, doc="Whether the scene's imagery is drawn.")
    imagery_opacity = param.Number(default=1.0, bounds=(0.0, 1.0), doc="Opacity of the imagery.")
    footprints_visible = param.Boolean(default=True, doc="Whether footprints are drawn.")
    footprints_opacity = param.Number(default=0.9, bounds=(0.0, 1.0), doc="Opacity of the footprints.")
    dark = param.Boolean(default=False, doc="Whether the page has its dark look.")

    @property
    def shows_something(self) -> bool:
        """Whether there are footprints to show at all."""
        return self.everything or self.job_id is not None

    @property
    def is_narrowed(self) -> bool:
        """Whether some of them are hidden."""
        return bool(self.min_confidence) or any((self.max_confidence, self.area_m2, self.review != ANY))

    @property
    def style(self) -> Style:
        """In which colours."""
        return Style(self.colour_by, "dark" if self.dark else "light")

    def widen(self) -> None:
        """Hide nothing any more."""
        self.param.update(min_confidence=0.0, max_confidence=None, area_m2=None, review=ANY)

    def query(self, bbox_deg: Bounds | None = None) -> FootprintQuery:
        """Return which footprints are shown."""
        low_m2, high_m2 = self.area_m2 or (None, None)
        return FootprintQuery(
            job_id=None if self.everything else self.job_id,
            bbox_deg=bbox_deg,
            min_confidence=self.min_confidence or None,
            max_confidence=self.max_confidence,
            min_area_m2=low_m2,
            max_area_m2=high_m2,
            review_states=None if self.review == ANY else frozenset({self.review}),
        )
