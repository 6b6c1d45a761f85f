"""What the map shows, as parameters that widgets are bound to and others watch."""

from __future__ import annotations

import datetime as dt
from typing import Any

import param
from shapely import Polygon, from_wkt, to_wkt

from pages.map.review_words import REVIEW_WORDS
from pages.projection import to_degrees
from processing.footprint_index.palettes import QUANTITIES, Style
from webapp.services.footprint_maps import MapQuery
from webapp.services.footprints import FootprintQuery

ANY = "any"
NARROWING: dict[str, Any] = {
    "min_confidence": 0.0, "max_confidence": None, "area_m2": None, "review": ANY, "created_from": None,
    "created_to": None, "source": ANY, "region_only": False,
}  # fmt: skip
"""What hides footprints, and its value while it hides none."""
SHOWN = ("everything", *NARROWING)
"""What is shown, apart from the choice of the job; a change of any of these draws the map anew."""
REGION_DIGITS = 7
CORNERS_MAX = 200
"""A region travels in the address of every tile, which has room for so many corners."""
DAY = dt.timedelta(days=1)


class MapFilters(param.Parameterized):
    """The choices of one open map page."""

    scene_id = param.String(default=None, allow_None=True, doc="The chosen scene.")
    job_id = param.String(default=None, allow_None=True, doc="The job whose footprints are shown.")
    everything = param.Boolean(default=False, doc="Whether the footprints of all jobs are shown, not of one.")
    min_confidence = param.Number(default=0.0, bounds=(0.0, 1.0), doc="Footprints below this are hidden.")
    max_confidence = param.Number(default=None, allow_None=True, doc="Footprints at or above this are hidden.")
    area_m2 = param.Tuple(default=None, allow_None=True, length=2, doc="Only footprints with an area in this range.")
    review = param.Selector(default=ANY, objects=[ANY, *REVIEW_WORDS], doc="Only footprints in this state of review.")
    created_from = param.CalendarDate(default=None, allow_None=True, doc="Only footprints of this day (UTC) or later.")
    created_to = param.CalendarDate(default=None, allow_None=True, doc="Only footprints of this day (UTC) or earlier.")
    source = param.String(default=ANY, allow_None=True, doc="Of everything only `scene:ID` or `job:ID`.")
    region_m = param.ClassSelector(default=None, allow_None=True, class_=Polygon, doc="The drawn area, EPSG:3857.")
    region_only = param.Boolean(default=False, doc="Whether only footprints in the drawn area are shown.")
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
    def chosen_source(self) -> tuple[str, str] | None:
        """Of everything only this: ("scene" or "job", id). The choice of a single job leaves no other."""
        if not self.everything or self.source in (ANY, None):
            return None
        kind, _, name = self.source.partition(":")
        return kind, name

    @property
    def region_wkt(self) -> str | None:
        """The area that footprints are shown in, in degrees, as addresses carry it; None: anywhere."""
        if not self.region_only or self.region_m is None:
            return None
        return to_wkt(to_degrees(self.region_m), rounding_precision=REGION_DIGITS)

    @property
    def is_narrowed(self) -> bool:
        """Whether some of them are hidden."""
        others = any(getattr(self, name) != value for name, value in NARROWING.items() if name != "source")
        return others or self.chosen_source is not None

    @property
    def style(self) -> Style:
        """In which colours."""
        return Style(self.colour_by, "dark" if self.dark else "light")

    def widen(self) -> None:
        """Hide nothing any more."""
        self.param.update(**NARROWING)

    def draw_region(self, region_m: Polygon | None) -> None:
        """Take the drawn area. Without one, or with one of too many corners, nothing is filtered by it."""
        usable = region_m is not None and len(region_m.exterior.coords) <= CORNERS_MAX
        self.param.update(region_m=region_m if usable else None, region_only=self.region_only and usable)

    def query(self) -> FootprintQuery:
        """Return which footprints are shown, but for the area that they lie in."""
        low_m2, high_m2 = self.area_m2 or (None, None)
        kind, name = self.chosen_source or ("job", None if self.everything else self.job_id)
        return FootprintQuery(
            job_id=name if kind == "job" else None,
            scene_id=name if kind == "scene" else None,
            min_confidence=self.min_confidence or None,
            max_confidence=self.max_confidence,
            min_area_m2=low_m2,
            max_area_m2=high_m2,
            created_from_s=_midnight_s(self.created_from),
            created_to_s=_midnight_s(self.created_to and self.created_to + DAY),
            review_states=None if self.review == ANY else frozenset({self.review}),
        )

    def map_query(self) -> MapQuery:
        """Return which footprints are shown, exactly as the addresses of tiles and exports say it."""
        region = self.region_wkt
        return MapQuery(self.query(), None if region is None else from_wkt(region))


def _midnight_s(day: dt.date | None) -> float | None:
    """The first second of a day in UTC, since the epoch."""
    return None if day is None else dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()
