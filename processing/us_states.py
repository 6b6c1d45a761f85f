"""The states of the USA by name, postal code or FIPS code, with their outlines.

The outlines are those of the base map (`us_states.fgb`: 50 states, the District of Columbia and five territories).
They are generalised for drawing: 14,444 corners for all 56, one in 9.5 km of border on average, each moved to a grid of
0.0037° by 0.0009° (about 320 m by 100 m). Four surveyed corners of states lie 31 to 117 m beside those of the file;
between its corners the line is straight where a river winds, by a kilometre and more, and small islands are missing.
Nothing is buffered to hide that. Neighbours share their border, so no place belongs to two of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.errors import StateUnknown

FILE_NAME = "us_states.fgb"
SUGGESTIONS = 3
LIKENESS = 0.5
CODES_BY_FIPS = {
    "01": "AL", "02": "AK", "04": "AZ", "05": "AR", "06": "CA", "08": "CO", "09": "CT", "10": "DE", "11": "DC",
    "12": "FL", "13": "GA", "15": "HI", "16": "ID", "17": "IL", "18": "IN", "19": "IA", "20": "KS", "21": "KY",
    "22": "LA", "23": "ME", "24": "MD", "25": "MA", "26": "MI", "27": "MN", "28": "MS", "29": "MO", "30": "MT",
    "31": "NE", "32": "NV", "33": "NH", "34": "NJ", "35": "NM", "36": "NY", "37": "NC", "38": "ND", "39": "OH",
    "40": "OK", "41": "OR", "42": "PA", "44": "RI", "45": "SC", "46": "SD", "47": "TN", "48": "TX", "49": "UT",
    "50": "VT", "51": "VA", "53": "WA", "54": "WV", "55": "WI", "56": "WY", "60": "AS", "66": "GU", "69": "MP",
    "72": "PR", "78": "VI",
}  # fmt: skip
"""Postal codes by the number that FIPS 5-2 gives to each; the file holds numbers and names alone."""


@dataclass(frozen=True)
class UsState:
    """A state, the District of Columbia, or a territory."""

    name: str
    code: str
    """As the post writes it: two letters."""
    fips: str
    """Two digits."""
    outline: BaseGeometry = field(repr=False)
    """EPSG:4326 Polygon or MultiPolygon, generalised; what lies beyond 180° is on the other side."""

    @property
    def bounds_deg(self) -> tuple[float, float, float, float]:
        """West, south, east, north; west > east over the antimeridian."""
        parts = shapely.bounds(shapely.get_parts(self.outline))
        west, east = parts[:, 0].min(), parts[:, 2].max()
        if east - west > 180.0:  # no state is as wide: it lies on both sides of the antimeridian
            west, east = parts[parts[:, 0] > 0, 0].min(), parts[parts[:, 2] < 0, 2].max()
        return float(west), float(parts[:, 1].min()), float(east), float(parts[:, 3].max())


@dataclass(frozen=True)
class UsStates:
    """All of them, by name."""

    states: tuple[UsState, ...]

    def __iter__(self) -> Iterator[UsState]:
        """Give each, by name."""
        return iter(self.states)

    @cached_property
    def _by_key(self) -> dict[str, UsState]:
        keys = ((key, state) for state in self.states for key in (state.name, state.code, state.fips))
        return {_folded(key): state for key, state in keys}

    def find(self, wanted: str) -> UsState:
        """Return a state by name, postal code or FIPS code, in any case. Raises `StateUnknown`."""
        found = self._by_key.get(_folded(wanted))
        if found is None:
            raise StateUnknown(state=wanted[:80], nearest=", ".join(self._nearest(wanted)) or "none")
        return found

    def meeting(self, outlines: Sequence[BaseGeometry]) -> NDArray[np.int64]:
        """Return (2, N): numbers of outlines (EPSG:4326), and numbers of the states that share ground with each."""
        pairs = np.asarray(self._tree.query(np.array(outlines, object), predicate="intersects"), np.int64)
        shapes = np.array([state.outline for state in self.states], object)
        shared = shapely.intersection(np.array(outlines, object)[pairs[0]], shapes[pairs[1]])
        return pairs[:, shapely.area(shared) > 0]

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree([state.outline for state in self.states])

    def _nearest(self, wanted: str) -> list[str]:
        names = {_folded(state.name): state.name for state in self.states}
        found = get_close_matches(_folded(wanted)[:80], names, SUGGESTIONS, LIKENESS)
        return [names[key] for key in found]


@cache
def load_us_states(folder: Path) -> UsStates:
    """Read `us_states.fgb` from a folder, once."""
    table = pyogrio.read_dataframe(folder / FILE_NAME, columns=["id", "name"])
    rows = zip(table["name"], table["id"], table.geometry, strict=True)
    states = (UsState(str(name), CODES_BY_FIPS[fips], str(fips), outline) for name, fips, outline in rows)
    return UsStates(tuple(sorted(states, key=lambda state: state.name)))


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace(".", "").split())
