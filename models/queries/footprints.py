"""Reads of footprints. Every function takes a filter and answers the same on both databases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
)
from sqlalchemy.orm import Session

from models.bbox import Bbox, meets_bbox, unindexed
from models.footprint import BuildingFootprint, is_published
from models.geometry_type import SRID
from models.job import BIG_ID, ProcessingJob
from models.queries.footprint_columns import gathering, read_gathered
from models.queries.footprint_conditions import Condition, asks_for_place
from models.scene import Scene, StoredFile

if TYPE_CHECKING:  # a worker that writes exports needs no data frames, which take 60 MB
    import geopandas as gpd

ATTRIBUTES = (
    "id",
    "job_id",
    "scene_id",
    "footprint_key",
    "area_m2",
    "confidence",
    "reg_method",
    "reg_iou",
    "reg_status",
    "created_at",
    "review_state",
    "source_id",
    "source_name",
)
PROVENANCE = ("gsd_m", "weights", "weights_sha256")
"""Of the job that found a footprint; stored there once, and joined in."""
SHORT_HASH = 12
GEOMETRY = "geometry"
MEASURED = ("area_m2", "confidence", "reg_iou", "gsd_m")
ARROW_TYPES = {"id": pa.int64(), GEOMETRY: pa.binary()} | dict.fromkeys(MEASURED, pa.float64())
"""All others are texts, but the time."""
KINDS = {
    name: pa.float64() if name == "created_at" else ARROW_TYPES.get(name, pa.string())
    for name in (*ATTRIBUTES, *PROVENANCE, GEOMETRY)
}
"""As the server sends them."""


@dataclass(frozen=True, slots=True)
class FootprintFilter:
    """Which footprints; None means no limit. `owner_id` is the access limit."""

    owner_id: int | None = None
    job_ids: tuple[str, ...] | None = None
    scene_id: str | None = None
    bbox: Bbox | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    min_area_m2: float | None = None
    max_area_m2: float | None = None
    created_from_s: float | None = None
    created_to_s: float | None = None
    review_states: frozenset[str] | None = None
    condition: Condition | None = None
    """What else must hold."""

    def conditions(self, sorted_by: str = "id") -> list[ColumnElement[bool]]:
        """Return the SQL conditions; rows are wanted in the order of `sorted_by`, a column's name."""
        table = BuildingFootprint
        found: list[ColumnElement[bool]] = [is_published()]
        if self.owner_id is not None:
            is_placed = self.bbox is not None or asks_for_place(self.condition)
            found.append((unindexed(table.owner_id) if is_placed else table.owner_id) == self.owner_id)
        if self.job_ids is not None:
            one = len(self.job_ids) == 1
            found.append(table.job_id == self.job_ids[0] if one else table.job_id.in_(self.job_ids))
        if self.scene_id is not None:
            found.append(table.scene_id == self.scene_id)
        if self.bbox is not None:
            found.append(meets_bbox(self.bbox))
        if self.review_states is not None:
            found.append(table.review_state.in_(sorted(self.review_states)))
        if self.condition is not None:
            found.append(self.condition.sql())
        return found + self._ranges(sorted_by)

    def _ranges(self, sorted_by: str) -> list[ColumnElement[bool]]:
        """A range holds its lower end and not its upper one.

        A largest confidence of 1 and a least one of 0 are no limits; any other leaves out what has no confidence.
        """
        table = BuildingFootprint
        most = None if self.max_confidence is not None and self.max_confidence >= 1 else self.max_confidence
        least = self.min_confidence or None
        ranges = (
            ("confidence", least, most),
            ("area_m2", self.min_area_m2, self.max_area_m2),
            ("created_at", self.created_from_s, self.created_to_s),
        )
        found: list[ColumnElement[bool]] = []
        for name, low, high in ranges:
            column = getattr(table, name) if name == sorted_by else unindexed(getattr(table, name))
            found += ([] if low is None else [column >= low]) + ([] if high is None else [column < high])
        return found


def read_page(session: Session, wanted: FootprintFilter, after_id: int, limit: int) -> "gpd.GeoDataFrame":
    """Return up to `limit` footprints with ids above `after_id`, by id. EPSG:4326."""
    statement = (
        _columns()
        .where(BuildingFootprint.id > after_id, *wanted.conditions())
        .order_by(BuildingFootprint.id)
        .limit(limit)
    )
    return _to_frame(_rows(session, statement))


def read_chosen(session: Session, wanted: FootprintFilter, ids: NDArray[np.int64]) -> pa.RecordBatch:
    """Return the footprints with these ids, in their order, as far as they are there and wanted.

    EPSG:4326; `geometry` holds WKB. Arrow columns, because for exports a data frame would cost as much as reading.
    """
    is_sqlite = session.connection().dialect.name == "sqlite"
    whose = FootprintFilter(owner_id=wanted.owner_id)
    if wanted == whose:  # asked for again and again: making the statement costs more than a row
        statement = _of_an_owner(is_sqlite=is_sqlite, has_owner=wanted.owner_id is not None)
    else:
        statement = _choice(wanted.conditions(), is_sqlite=is_sqlite)
    values = {"ids": _as_one_value(ids, is_sqlite=is_sqlite), "whose": wanted.owner_id}
    if is_sqlite:
        batch = _to_arrow(session.connection().execute(statement, values).all())
    else:
        batch = _with_times(read_gathered(session, KINDS, statement, values))
    order = np.argsort(ids, kind="stable")
    places = order[np.searchsorted(ids[order], batch.column("id").to_numpy())]
    return batch if (places[1:] > places[:-1]).all() else batch.take(np.argsort(places, kind="stable"))


def read_one(session: Session, owner_id: int | None, footprint_id: int) -> pa.RecordBatch:
    """Return a footprint of an owner, or of anybody for None, in the form of `read_chosen`; no row: there is none."""
    statement = _one_of_an_owner(has_owner=owner_id is not None)
    return _to_arrow(session.connection().execute(statement, {"one": footprint_id, "whose": owner_id}).all())


def iter_ids(session: Session, wanted: FootprintFilter, rows: int) -> Iterator[NDArray[np.int64]]:
    """Yield the ids of footprints in rising order, all of one moment: one statement reads them."""
    statement = select(BuildingFootprint.id).where(*wanted.conditions()).order_by(BuildingFootprint.id)
    for part in session.scalars(statement.execution_options(yield_per=rows)).partitions():
        yield np.array(part, np.int64)


def candidates_at(session: Session, wanted: FootprintFilter, limit: int) -> Sequence[Any]:
    """Return footprints whose envelope meets the filter's box, the smallest first, with the names around them."""
    table, file = BuildingFootprint, StoredFile
    names = (Scene.name.label("scene_name"), file.name.label("file_name"))
    statement = (
        select(*_attributes(), table.geometry, table.attributes, *names)
        .join(ProcessingJob, ProcessingJob.id == table.job_id)
        .outerjoin(Scene, Scene.id == table.scene_id)
        .outerjoin(file, file.id == ProcessingJob.file_id)
        .where(*wanted.conditions())
        .order_by(table.area_m2, table.id)
        .limit(limit)
    )
    return session.execute(statement).all()


@cache
def _of_an_owner(*, is_sqlite: bool, has_owner: bool) -> Select[Any]:
    """Return the statement for ids (`ids`) of an owner (`whose`), or of anybody; made once."""
    owned = [BuildingFootprint.owner_id == bindparam("whose", type_=Integer())] if has_owner else []
    return _choice([is_published(), *owned], is_sqlite=is_sqlite)


@cache
def _one_of_an_owner(*, has_owner: bool) -> Select[Any]:
    """Return the statement for one id (`one`) of an owner (`whose`), or of anybody: a single row needs no gathering."""
    owned = [BuildingFootprint.owner_id == bindparam("whose", type_=Integer())] if has_owner else []
    return _columns().where(BuildingFootprint.id == bindparam("one", type_=BIG_ID), is_published(), *owned)


def _choice(conditions: list[ColumnElement[bool]], *, is_sqlite: bool) -> Select[Any]:
    """Return the statement for ids as one value: ten thousand would take longer to write than the rows to read."""
    table, ids = BuildingFootprint, bindparam("ids", type_=String())
    if is_sqlite:
        return _columns().where(table.id.in_(select(column("value")).select_from(func.json_each(ids))), *conditions)
    chosen = any_(cast(ids, ARRAY(BigInteger))) == table.id
    shape = func.ST_AsBinary(table.geometry)
    named = zip(KINDS, (*_attributes(), shape), KINDS.values(), strict=True)
    return gathering({name: (one, kind) for name, one, kind in named}, _columns().where(chosen, *conditions))


def _as_one_value(ids: NDArray[np.int64], *, is_sqlite: bool) -> str:
    listed = ",".join(map(str, ids.tolist()))
    return f"[{listed}]" if is_sqlite else "{" + listed + "}"


def _rows(session: Session, statement: Select[Any]) -> Sequence[Any]:
    """Return rows as the driver gives them; the session's own way costs as much again."""
    return session.connection().execute(statement).all()


def read_ordered(session: Session, keys: Select[Any]) -> pa.RecordBatch:
    """Return the footprints that a statement for a short page selects, in its order, in the form of `read_chosen`."""
    chosen = keys.with_only_columns(*_columns().selected_columns)
    return _to_arrow(_rows(session, chosen.join(ProcessingJob, ProcessingJob.id == BuildingFootprint.job_id)))


@cache
def _columns() -> Select[Any]:
    table = BuildingFootprint
    return select(*_attributes(), table.geometry).join(ProcessingJob, ProcessingJob.id == table.job_id)


def _attributes() -> list[ColumnElement[Any]]:
    job = ProcessingJob
    short = func.substr(job.weights_sha256, 1, SHORT_HASH)
    provenance = (job.gsd_m, job.weights_name, short)
    own = [getattr(BuildingFootprint, name) for name in ATTRIBUTES]
    return [*own, *(column.label(name) for column, name in zip(provenance, PROVENANCE, strict=True))]


def _to_arrow(rows: Sequence[Any]) -> pa.RecordBatch:
    names = (*ATTRIBUTES, *PROVENANCE, GEOMETRY)
    columns = dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))
    return pa.record_batch([_arrow_column(name, values) for name, values in columns.items()], names=names)


def _arrow_column(name: str, values: Sequence[Any]) -> pa.Array:
    if name == "created_at":
        return _times(np.array(values, np.float64))
    return pa.array(values, ARROW_TYPES.get(name, pa.string()))


def _with_times(batch: pa.RecordBatch) -> pa.RecordBatch:
    at = batch.schema.get_field_index("created_at")
    times = _times(batch.column(at).to_numpy())
    return batch.set_column(at, pa.field("created_at", times.type), times)


def _times(seconds: NDArray[np.float64]) -> pa.Array:
    """Return (N,) times to the nanosecond, of seconds since 1970."""
    whole = np.floor(seconds)
    rest_ns = np.round((seconds - whole) * 1e9).astype(np.int64)
    return pa.array((whole.astype(np.int64) * 1_000_000_000 + rest_ns).view("M8[ns]"), pa.timestamp("ns", "UTC"))


def _to_frame(rows: Any) -> "gpd.GeoDataFrame":
    import geopandas as gpd
    import pandas as pd

    names = (*ATTRIBUTES, *PROVENANCE)
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(names) + 1)
    frame = pd.DataFrame(dict(zip(names, columns, strict=False)))
    numbers = {"id": "int64"} | dict.fromkeys(MEASURED, "float64")
    frame = frame.astype(numbers)
    # pandas' own conversion is off by a microsecond now and then: a stream and a file of the same rows must agree.
    frame["created_at"] = _times(frame["created_at"].to_numpy("float64")).to_pandas()
    return gpd.GeoDataFrame(frame, geometry=shapely.from_wkb(list(columns[-1])), crs=SRID)
