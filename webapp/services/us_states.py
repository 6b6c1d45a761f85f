"""The US states, as names that people give to regions."""

from functools import lru_cache
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from processing.us_states import UsStates, load_us_states

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "basemap"
CORNER_EVERY_DEG = 0.02
"""Leaves a difference of a few centimetres."""


def us_states() -> UsStates:
    """Return all states with their outlines; they are read once."""
    return load_us_states(FOLDER)


def region_of(state: str) -> BaseGeometry:
    """Return a state (EPSG:4326) as a region to filter by, given its name, postal code or FIPS code.

    The edges of regions are straight on a Web Mercator map, those of a state in degrees: on an edge of 200 km the two
    are a hundred metres apart, so it gets more corners. Raises `StateUnknown`.
    """
    return _with_corners(us_states().find(state).code)


@lru_cache(maxsize=64)
def _with_corners(code: str) -> BaseGeometry:
    return shapely.segmentize(us_states().find(code).outline, CORNER_EVERY_DEG)
