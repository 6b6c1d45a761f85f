"""The choices of a map page in its address, so that loading it again, or sending it on, shows the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from shapely import from_wkt, is_valid
from shapely.errors import ShapelyError
from shapely.geometry import Polygon

from pages.map.filters import ANY, MapFilters
from pages.map.review_words import REVIEW_WORDS
from pages.projection import to_map

NAMES = ("scene", "job", "all", "confidence", "area", "review", "from", "to", "source", "region")
LENGTH_MAX = 6000


def fields_of(filters: MapFilters) -> dict[str, str]:
    """Return what of the choices differs from a page just opened."""
    least, most = filters.min_confidence, filters.max_confidence
    found = {
        "scene": filters.scene_id,
        "job": filters.job_id,
        "all": "1" if filters.everything else None,
        "confidence": f"{least:g}~{1 if most is None else most:g}" if least or most is not None else None,
        "area": "{:g}~{:g}".format(*filters.area_m2) if filters.area_m2 else None,
        "review": None if filters.review == ANY else filters.review,
        "from": filters.created_from and filters.created_from.isoformat(),
        "to": filters.created_to and filters.created_to.isoformat(),
        "source": filters.source if filters.chosen_source else None,
        "region": filters.region_wkt,
    }
    return {name: value for name, value in found.items() if value}


def narrowing_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the filters of an address as values of `MapFilters`; what cannot be read is left out."""
    readers: dict[str, Callable[[str], dict[str, Any]]] = {
        "all": lambda text: {"everything": text == "1"},
        "confidence": _confidence,
        "area": lambda text: {"area_m2": _range(text)},
        "review": lambda text: {"review": text} if text in REVIEW_WORDS else {},
        "from": lambda text: {"created_from": dt.date.fromisoformat(text)},
        "to": lambda text: {"created_to": dt.date.fromisoformat(text)},
        "source": lambda text: {"source": text} if text.startswith(("scene:", "job:")) else {},
    }
    found: dict[str, Any] = {}
    for name, read in readers.items():
        try:
            found |= read(fields[name]) if name in fields else {}
        except ValueError:
            continue
    return found


def region_of(fields: Mapping[str, str]) -> Polygon | None:
    """Return the area of an address in map metres, if it names a polygon."""
    try:
        found = from_wkt(fields.get("region"))
    except ShapelyError:
        return None
    good = isinstance(found, Polygon) and is_valid(found) and not found.is_empty and not found.interiors
    return Polygon(to_map(found)) if good else None


def _confidence(text: str) -> dict[str, Any]:
    least, most = _range(text)
    if not 0 <= least <= 1:
        raise ValueError(text)
    return {"min_confidence": least, "max_confidence": most if most < 1 else None}


def _range(text: str) -> tuple[float, float]:
    low, high = (float(part) for part in text.split("~"))
    if not 0 <= low < high < 1e12:
        raise ValueError(text)
    return low, high
