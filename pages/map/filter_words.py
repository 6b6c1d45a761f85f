"""The filters in words: what is left of all footprints, and what the choices mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pages import formats
from pages.map.filters import ANY, MapFilters
from pages.map.review_words import REVIEW_WORDS


def active_line(filters: MapFilters, source_labels: Mapping[str, str]) -> str:
    """Return in words, as HTML, what is shown of all footprints; empty while all are. Labels of sources by key."""
    parts = list(_parts(filters, source_labels))
    return f"Only {formats.text(', '.join(parts))}" if parts else ""


def _parts(filters: MapFilters, source_labels: Mapping[str, str]) -> Iterator[str]:
    if filters.min_confidence or filters.max_confidence is not None:
        most = 1 if filters.max_confidence is None else filters.max_confidence
        yield f"confidence {filters.min_confidence:.2f} to {most:.2f}"
    if filters.area_m2:
        low, high = filters.area_m2
        yield f"{low:,.0f} to {high:,.0f} m²"
    if filters.review != ANY:
        yield REVIEW_WORDS[filters.review].lower()
    yield from _dates(filters)
    if filters.chosen_source is not None:
        yield f"from {source_labels.get(filters.source, 'the chosen source')}"
    if filters.region_wkt is not None:
        yield "in the drawn area"


def _dates(filters: MapFilters) -> Iterator[str]:
    first, last = filters.created_from, filters.created_to
    if first is not None and first == last:
        yield f"of {first:%Y-%m-%d}"
    elif first is not None and last is not None:
        yield f"of {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    elif first is not None:
        yield f"since {first:%Y-%m-%d}"
    elif last is not None:
        yield f"until {last:%Y-%m-%d}"
