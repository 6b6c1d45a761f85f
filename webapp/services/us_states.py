"""The US states, as names that people give to regions."""

from pathlib import Path

from shapely.geometry.base import BaseGeometry

from processing.us_states import UsStates, load_us_states

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "basemap"


def us_states() -> UsStates:
    """Return all states with their outlines; they are read once."""
    return load_us_states(FOLDER)


def outline_of(state: str) -> BaseGeometry:
    """Return the outline of a state (EPSG:4326) by its name, postal code or FIPS code. Raises `StateUnknown`."""
    return us_states().find(state).outline
