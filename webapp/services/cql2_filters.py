"""Filters in CQL2 text (OGC 21-065r2), as conditions on footprints.

The library `cql2` parses; its tree is read against a list of what may be asked. The parser goes back and forth over
open parentheses, twice as long for each further one, and overflows its stack on thousands of them; so the text is
measured before it gets there.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import cql2
import shapely
from shapely.geometry import shape

from models.queries.footprint_conditions import (
    MOMENT,
    NUMBER,
    OPERATORS,
    QUERYABLES,
    TEXT,
    WHOLE,
    Always,
    Among,
    Compared,
    Condition,
    Joined,
    Like,
    Meets,
    MeetsBox,
    Missing,
    Negated,
    Value,
)
from webapp.ogc_errors import FilterInvalid, QueryInvalid
from webapp.services.feature_crs import FeatureCrs

GEOMETRY = "geometry"
MAX_CHARACTERS = 4_000
MAX_PARENTHESES = 8
MAX_DEPTH = 16
MAX_CONDITIONS = 100
MAX_WILDCARDS = 10
MAX_TEXT = 1_000
LARGEST_WHOLE = 2**53
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")


def condition_of(text: str, crs: FeatureCrs) -> Condition:
    """Return what a filter asks; its geometries are in `crs`. Raises `FilterInvalid`."""
    _measure(text)
    try:
        tree = cql2.parse_text(text).to_json()
    except (cql2.ParseError, cql2.ValidationError, ValueError) as error:
        raise FilterInvalid(detail=f"it is no CQL2 text: {_where(error)}") from error
    return _Reader(crs).condition(tree, 0)


def value_of(name: str, text: str) -> Value:
    """Return the value that a queryable is compared with, from a plain text. Raises `FilterInvalid`."""
    kind = QUERYABLES[name]
    if kind == MOMENT:
        return moment_s(text)
    if kind == TEXT:
        return _value(name, text)
    try:
        return _value(name, float(text))
    except ValueError as error:
        raise FilterInvalid(detail=f"{name} takes a number") from error


def moment_s(text: object) -> float:
    """Return seconds since 1970 of an instant with a time zone (RFC 3339). Raises `FilterInvalid`."""
    try:
        found = datetime.fromisoformat(str(text)) if len(str(text)) <= 40 and "T" in str(text).upper() else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise FilterInvalid(detail="a time is written as 2026-11-23T08:00:00Z")
    return found.timestamp()


def _measure(text: str) -> None:
    if len(text) > MAX_CHARACTERS:
        raise FilterInvalid(detail=f"it has more than {MAX_CHARACTERS} characters")
    if "\0" in text:
        raise FilterInvalid(detail="it holds a character that is no text")
    depth = 0
    for letter in QUOTED.sub("", text):
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        if depth > MAX_PARENTHESES:
            raise FilterInvalid(detail=f"more than {MAX_PARENTHESES} parentheses stand in each other")
    if depth != 0:
        raise FilterInvalid(detail="a parenthesis is not closed, or not opened")


def _where(error: Exception) -> str:
    """Return the first line of the parser's message that says something."""
    place = re.search(r"(\d+):(\d+)", str(error))
    return f"it breaks off at character {place[2]}" if place else "it cannot be read"


class _Reader:
    """Reads the tree of one filter, node by node, and counts."""

    def __init__(self, crs: FeatureCrs) -> None:
        self._crs = crs
        self._left = MAX_CONDITIONS

    def condition(self, node: Any, depth: int) -> Condition:
        """Return the condition of a node and what is below it. Raises `FilterInvalid`."""
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise FilterInvalid(detail=f"it has more than {MAX_CONDITIONS} conditions, or {MAX_DEPTH} in each other")
        if isinstance(node, bool):
            return Always(node)
        if not isinstance(node, Mapping) or "op" not in node:
            raise FilterInvalid(detail="a condition compares something, as in area_m2 > 100")
        name, arguments = str(node["op"]), node["args"]
        if name in ("and", "or"):
            return Joined(name == "and", tuple(self.condition(part, depth + 1) for part in arguments))
        if name == "not":
            return Negated(self.condition(arguments[0], depth + 1))
        return self._predicate(name, arguments)

    def _predicate(self, name: str, arguments: Sequence[Any]) -> Condition:
        if name in OPERATORS:
            return _comparison(name, arguments)
        readers: dict[str, tuple[int, Callable[..., Condition]]] = {
            "between": (3, _between),
            "in": (2, self._among),
            "like": (2, _like),
            "isNull": (1, _missing),
            "s_intersects": (2, self._intersects),
        }
        count, reader = readers.get(name, (-1, _missing))
        if count < 0:
            raise FilterInvalid(detail=f"{name[:50]} is not offered")
        if len(arguments) != count:
            raise FilterInvalid(detail=f"{name} takes {count} values")
        return reader(*arguments)

    def _among(self, left: Any, values: Any) -> Condition:
        self._left -= len(values) if isinstance(values, list) else 0
        if not isinstance(values, list) or self._left < 0:
            raise FilterInvalid(detail=f"a list has 1 to {MAX_CONDITIONS} values")
        name = _name(left)
        return Among(name, tuple(_value(name, value) for value in values))

    def _intersects(self, left: Any, right: Any) -> Condition:
        if _is_property(right) and not _is_property(left):
            left, right = right, left
        if not _is_property(left) or left["property"] != GEOMETRY or not isinstance(right, Mapping):
            raise FilterInvalid(detail="s_intersects takes geometry and a shape")
        try:
            if "bbox" in right:
                return MeetsBox(self._crs.box_in_degrees(tuple(map(float, right["bbox"]))))
            return Meets(shapely.to_wkb(self._degrees(right)))
        except QueryInvalid as error:
            raise FilterInvalid(detail=error.parameters["detail"]) from error

    def _degrees(self, given: Mapping[str, Any]) -> shapely.Geometry:
        try:
            found = self._crs.shape_in_degrees(shape(json.loads(json.dumps(given, allow_nan=False))))
        except (shapely.errors.ShapelyError, AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
            raise FilterInvalid(detail="a shape cannot be read") from error
        if found.is_empty or not found.is_valid:
            raise FilterInvalid(detail="a shape is empty, or crosses itself")
        west, south, east, north = found.bounds
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise FilterInvalid(detail="a shape reaches beyond the world")
        return found


def _comparison(sign: str, arguments: Sequence[Any]) -> Condition:
    left, right = arguments
    if _is_property(right) and not _is_property(left):
        left, right, sign = right, left, MIRRORED[sign]
    name = _name(left)
    return Compared(name, sign, _value(name, right))


def _between(left: Any, low: Any, high: Any) -> Condition:
    name = _name(left)
    if QUERYABLES[name] not in (NUMBER, WHOLE):
        raise FilterInvalid(detail=f"between is for numbers, which {name} is not")
    return Joined(True, (Compared(name, ">=", _value(name, low)), Compared(name, "<=", _value(name, high))))


def _like(left: Any, pattern: Any) -> Condition:
    name = _name(left)
    if QUERYABLES[name] != TEXT:
        raise FilterInvalid(detail=f"like is for texts, which {name} is not")
    text = str(_value(name, pattern))
    if text.count("%") + text.count("_") > MAX_WILDCARDS or text.endswith("\\"):
        raise FilterInvalid(detail=f"a pattern has at most {MAX_WILDCARDS} wildcards, and does not end with a \\")
    return Like(name, text)


def _missing(left: Any) -> Condition:
    return Missing(_name(left))


def _is_property(node: Any) -> bool:
    return isinstance(node, Mapping) and "property" in node


def _name(node: Any) -> str:
    name = node["property"] if _is_property(node) else None
    if name not in QUERYABLES:
        raise FilterInvalid(detail=f"compare one of {', '.join(QUERYABLES)} with a value")
    return str(name)


def _value(name: str, given: Any) -> Value:
    kind = QUERYABLES[name]
    if kind == MOMENT:
        if not isinstance(given, Mapping) or "timestamp" not in given:
            raise FilterInvalid(detail=f"{name} takes a time, as in TIMESTAMP('2026-11-23T08:00:00Z')")
        return moment_s(given["timestamp"])
    if kind == TEXT:
        if not isinstance(given, str) or len(given) > MAX_TEXT or "\0" in given:
            raise FilterInvalid(detail=f"{name} takes a text of at most {MAX_TEXT} characters")
        return given
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise FilterInvalid(detail=f"{name} takes a number")
    if kind == WHOLE and (given != int(given) or abs(given) > LARGEST_WHOLE):
        raise FilterInvalid(detail=f"{name} takes a whole number")
    return int(given) if kind == WHOLE else float(given)
