"""Conditions on footprints as plain frozen values: what people ask in a filter language, before it becomes SQL.

The columns that may be asked for stand in `QUERYABLES`; every value is bound, never written into a statement. Nulls
are as in SQL: what is not known meets neither a condition nor its opposite. Both databases answer the same.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    String,
    and_,
    bindparam,
    collate,
    false,
    literal,
    not_,
    or_,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from models.bbox import PREDICATE, Bbox, unindexed
from models.footprint import BuildingFootprint
from models.geometry_meets import meets_box, meets_geometry

NUMBER, WHOLE, TEXT, MOMENT = "number", "integer", "string", "date-time"
QUERYABLES = {
    "id": WHOLE,
    "job_id": TEXT,
    "scene_id": TEXT,
    "area_m2": NUMBER,
    "confidence": NUMBER,
    "reg_method": TEXT,
    "review_state": TEXT,
    "source_id": TEXT,
    "source_name": TEXT,
    "created_at": MOMENT,
}
HALF_TICK_S = 7e-7
"""Times are told to the microsecond, and compared so; what a float is off by comes on top."""
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
type Value = str | int | float


@dataclass(frozen=True, slots=True)
class Compared:
    """A column against a value: text, number, or seconds since 1970 for a time."""

    name: str
    operator: str
    value: Value

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        if QUERYABLES[self.name] == MOMENT:
            return _moment_sql(self.operator, float(self.value))
        column, value = _sides(self.name, self.value)
        if self.operator != "=":
            column = _Bytewise(column) if QUERYABLES[self.name] == TEXT else unindexed(column)
        return OPERATORS[self.operator](column, value)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Among:
    """A column with one of some values."""

    name: str
    values: tuple[Value, ...]

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        return or_(false(), *(Compared(self.name, "=", value).sql() for value in self.values))


@dataclass(frozen=True, slots=True)
class Like:
    """A text like a pattern: `%` any characters, `_` one, a backslash before either takes it as it is."""

    name: str
    pattern: str

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        texts = (self.pattern, _as_glob(self.pattern))
        return _IsLike(getattr(BuildingFootprint, self.name), *(bindparam(None, text, String()) for text in texts))


@dataclass(frozen=True, slots=True)
class Missing:
    """A column without a value."""

    name: str

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        return getattr(BuildingFootprint, self.name).is_(None)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Meets:
    """The footprint meets a valid geometry in degrees, given as WKB."""

    wkb: bytes

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        return meets_geometry(shapely.from_wkb(self.wkb))


@dataclass(frozen=True, slots=True)
class MeetsBox:
    """The footprint itself, and not only its envelope, meets a box."""

    bbox: Bbox

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        return meets_box(self.bbox)


@dataclass(frozen=True, slots=True)
class Always:
    """True or false, whatever the footprint."""

    holds: bool

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        return true() if self.holds else false()


@dataclass(frozen=True, slots=True)
class Joined:
    """All of the conditions, or any of them."""

    every: bool
    parts: tuple["Condition", ...]

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        join = and_ if self.every else or_
        return join(*(part.sql() for part in self.parts))


@dataclass(frozen=True, slots=True)
class Negated:
    """The opposite."""

    part: "Condition"

    def sql(self) -> ColumnElement[bool]:
        """Return the SQL condition."""
        return not_(self.part.sql())


type Condition = Compared | Among | Like | Missing | Meets | MeetsBox | Always | Joined | Negated


def asks_for_place(condition: Condition | None) -> bool:
    """Tell whether nothing passes but what is in some place, which is found by the spatial index."""
    if isinstance(condition, Joined) and condition.every:
        return any(map(asks_for_place, condition.parts))
    return isinstance(condition, Meets | MeetsBox)


class _IsLike(FunctionElement[bool]):
    """Arguments: column, pattern of LIKE, pattern of GLOB."""

    inherit_cache = True
    type = PREDICATE


@compiles(_IsLike, "postgresql")
def _like(element: _IsLike, compiler: Any, **options: Any) -> str:
    column, pattern, _ = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} LIKE {pattern})"


@compiles(_IsLike, "sqlite")
def _glob(element: _IsLike, compiler: Any, **options: Any) -> str:
    """SQLite's LIKE takes a and A for the same letter; its GLOB does not."""
    clauses = list(element.clauses)
    column, pattern = (compiler.process(clause, **options) for clause in (clauses[0], clauses[2]))
    return f"({column} GLOB {pattern})"


def _as_glob(pattern: str) -> str:
    found, escaped = [], False
    for letter in pattern:
        if escaped or letter not in "\\%_":
            found.append(f"[{letter}]" if letter in "*?[" else letter)
            escaped = False
        else:
            escaped = letter == "\\"
            found.append({"%": "*", "_": "?"}.get(letter, ""))
    return "".join(found)


def _sides(name: str, value: Value) -> tuple[Any, Any]:
    """Return column and bound value in the column's own type, so that an index stays usable."""
    kinds: dict[str, TypeEngine[Any]] = {WHOLE: BigInteger(), NUMBER: Double(), TEXT: String()}
    return getattr(BuildingFootprint, name), literal(value, kinds[QUERYABLES[name]])


class _Bytewise(FunctionElement[str]):
    """A text that is ordered by its bytes, as SQLite does anyway."""

    inherit_cache = True
    type = String()


@compiles(_Bytewise, "sqlite")
def _as_is(element: _Bytewise, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Bytewise, "postgresql")
def _in_c(element: _Bytewise, compiler: Any, **options: Any) -> str:
    (column,) = element.clauses
    return str(compiler.process(collate(column, "C"), **options))


def _moment_sql(sign: str, at_s: float) -> ColumnElement[bool]:
    column: ColumnElement[Any] = unindexed(BuildingFootprint.created_at)
    before: ColumnElement[Any] = literal(at_s - HALF_TICK_S, Double())
    after: ColumnElement[Any] = literal(at_s + HALF_TICK_S, Double())
    within = and_(column >= before, column < after)
    one_sided = {"<": column < before, "<=": column < after, ">": column >= after, ">=": column >= before}
    return one_sided.get(sign, within if sign == "=" else not_(within))
