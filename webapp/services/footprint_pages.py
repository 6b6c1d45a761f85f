"""Lists of footprints, page by page. A page costs the same wherever it begins, and whatever came or went meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from auth.principals import Principal
from models.bbox import Bbox
from models.footprint import ReviewState
from models.queries import footprint_pages as queries
from models.queries.footprint_conditions import Condition
from models.queries.footprint_pages import SORT_COLUMNS, PageOrder, PagePlace
from models.queries.footprint_sums import count as count_all
from models.queries.footprints import FootprintFilter, read_chosen
from processing.region import Region
from webapp.errors import RequestInvalid
from webapp.resources import Resources
from webapp.services.footprint_cursors import cursor_of, place_of, question_digest
from webapp.services.footprint_sums import kept, kept_or_counted
from webapp.services.footprints import FootprintQuery, filter_of

LIMIT_MAX = 10_000
SHORT_LIMIT = 1_000
LOOKED_AT_ONCE = 2_000
LOOKED_AT_MAX = 20_000
"""So many rows around a region are looked at for one page: it may be short, or empty, and others may follow."""


@dataclass(frozen=True)
class PageQuestion:
    """A page of footprints. `region`: a polygon in EPSG:4326; `sort`: a column, with `-` before it falling."""

    footprints: FootprintQuery
    region: BaseGeometry | None = None
    sort: str = "id"
    limit: int = 1000
    cursor: str | None = None
    condition: Condition | None = None
    """What else must hold."""


@dataclass(frozen=True)
class FootprintPage:
    """Footprints with WKB in `geometry`, and the cursor of the next page; None: this is the last."""

    batch: pa.RecordBatch
    next_cursor: str | None


@dataclass(frozen=True)
class _Search:
    wanted: FootprintFilter
    order: PageOrder
    region: Region | None
    limit: int

    @property
    def is_short(self) -> bool:
        """Tell whether rows are few enough to come one by one, which costs less than asking twice."""
        return self.region is None and self.limit <= SHORT_LIMIT and self.order.column in queries.PLAIN

    @property
    def step(self) -> int:
        """How many rows to read at once: one more than wanted tells whether there are more."""
        return self.limit + 1 if self.region is None else max(self.limit + 1, LOOKED_AT_ONCE)

    @property
    def steps(self) -> int:
        """How often, at most."""
        return 1 if self.region is None else -(-LOOKED_AT_MAX // self.step)


def list_page(resources: Resources, principal: Principal, asked: PageQuestion) -> FootprintPage:
    """Return one page. Raises `BboxInvalid`, `CursorInvalid`, `ParameterInvalid`, `RequestInvalid`."""
    search = _search(resources, principal, asked)
    digest = _digest(principal, asked, search.wanted)
    after = None if asked.cursor is None else place_of(asked.cursor, digest)
    with resources.database.read(principal) as session:
        if search.is_short:
            batch, place = _short_page(session, search, after)
            return FootprintPage(batch, None if place is None else cursor_of(place, digest))
        keys, place = _look(session, search, after)
        ids = np.array([key.id for key in keys], np.int64)
        batch = read_chosen(session, FootprintFilter(owner_id=principal.owner_filter), ids)
    return FootprintPage(batch, None if place is None else cursor_of(place, digest))


def count(resources: Resources, principal: Principal, asked: PageQuestion) -> int:
    """Count what all pages hold together; around a region every row is looked at. Raises as `list_page`."""
    search = _search(resources, principal, asked)
    with resources.database.read(principal) as session:
        question = _digest(principal, asked, search.wanted)
        return kept_or_counted(session, principal, question, lambda: _count(session, search))


def known_count(resources: Resources, principal: Principal, asked: PageQuestion) -> int | None:
    """Return the same where somebody has asked for it, and nothing has changed since. Raises as `list_page`."""
    question = _digest(principal, asked, _search(resources, principal, asked).wanted)
    with resources.database.read(principal) as session:
        found: int | None = kept(session, principal, question)
        return found


def _count(session: Session, search: _Search) -> int:
    after, number = None, 0
    if search.region is None:
        return count_all(session, search.wanted)
    while True:
        keys = queries.read_keys(session, search.wanted, search.order, after, LOOKED_AT_MAX)
        number += len(_inside(search.region, keys))
        if len(keys) < LOOKED_AT_MAX:
            return number
        after = _place(keys[-1])


def _digest(principal: Principal, asked: PageQuestion, wanted: FootprintFilter) -> str:
    states = None if wanted.review_states is None else sorted(wanted.review_states)  # a set has no order of its own
    region = None if asked.region is None else asked.region.wkb_hex
    return question_digest(principal.owner_filter, asked.sort, replace(wanted, review_states=None), states, region)


def _search(resources: Resources, principal: Principal, asked: PageQuestion) -> _Search:
    column = asked.sort.removeprefix("-")
    if column not in SORT_COLUMNS:
        raise RequestInvalid(detail=f"sort must be one of {', '.join(SORT_COLUMNS)}, with - before it to fall")
    states = asked.footprints.review_states
    if states is not None and not states <= set(ReviewState):
        raise RequestInvalid(detail=f"review must be some of {', '.join(ReviewState)}")
    wanted, region = replace(filter_of(resources, principal, asked.footprints), condition=asked.condition), None
    if asked.region is not None:
        region = Region(asked.region)
        if wanted.bbox is None:
            wanted = replace(wanted, bbox=Bbox.from_bounds(region.bounds_deg))
    order = PageOrder(column, descending=asked.sort.startswith("-"))
    return _Search(wanted, order, region, min(max(asked.limit, 1), LIMIT_MAX))


def _short_page(
    session: Session, search: _Search, after: PagePlace | None
) -> tuple[pa.RecordBatch, PagePlace | None]:
    """Return a page, and where the next one begins; one more row than wanted tells whether there are more."""
    rows = queries.read_short_page(session, search.wanted, search.order, after, search.limit + 1)
    if len(rows) <= search.limit:
        return rows, None
    last = search.limit - 1
    value, footprint_id = (rows.column(name)[last].as_py() for name in (search.order.column, "id"))
    return rows.slice(0, search.limit), PagePlace(value, footprint_id)


def _look(session: Session, search: _Search, after: PagePlace | None) -> tuple[Sequence[Any], PagePlace | None]:
    """Return the keys of a page, and where the next one begins."""
    kept: list[Any] = []
    for _ in range(search.steps):
        keys = queries.read_keys(session, search.wanted, search.order, after, search.step)
        kept += _inside(search.region, keys)
        if len(kept) > search.limit:
            return kept[: search.limit], _place(kept[search.limit - 1])
        if len(keys) < search.step:
            return kept, None
        after = _place(keys[-1])
    return kept, after


def _inside(region: Region | None, keys: Sequence[Any]) -> Sequence[Any]:
    if region is None:
        return keys
    envelopes = np.array([(key.min_lon, key.min_lat, key.max_lon, key.max_lat) for key in keys], np.float64)
    return [key for key, held in zip(keys, region.holds(envelopes.reshape(-1, 4)), strict=True) if held]


def _place(key: Any) -> PagePlace:
    return PagePlace(key.value, key.id)
