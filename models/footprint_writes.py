"""Writing footprints in bulk: COPY on PostGIS, executemany on SQLite. What is there already is left alone.

Whoever stores or removes footprints notes it in the change feed in the same transaction.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, text, update
from sqlalchemy.orm import Session

from models.footprint import BuildingFootprint, ReviewState
from models.footprint_change import ChangeKind, FootprintChange
from models.geometry_type import SRID
from models.job import ProcessingJob
from models.scene import StoredFile

if TYPE_CHECKING:
    import geopandas as gpd

COLUMNS = (
    "job_id",
    "scene_id",
    "owner_id",
    "footprint_key",
    "geometry",
    "raw_geometry",
    "area_m2",
    "confidence",
    "reg_method",
    "reg_iou",
    "reg_status",
    "min_lon",
    "min_lat",
    "max_lon",
    "max_lat",
    "change_key",
    "source_id",
    "source_name",
    "attributes",
)
ATTRIBUTES = ("footprint_key", "area_m2", "confidence", "reg_method", "reg_iou", "reg_status")
SOURCE_COLUMNS = ("source_id", "source_name", "attributes")
FEED_LOCK = 0x62666D33
ARRIVALS = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS footprint_arrivals AS "
    f"SELECT {', '.join(COLUMNS)} FROM building_footprints WITH NO DATA"
)


@dataclass(frozen=True, slots=True)
class FootprintSource:
    """What all footprints of a job share."""

    job_id: str
    scene_id: str | None
    owner_id: int


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """How many footprints were new, and the key of the change that stored them."""

    change_key: int
    footprints: int


def insert_footprints(session: Session, source: FootprintSource, footprints: "gpd.GeoDataFrame") -> int:
    """Insert footprints (columns as in `processing.pipeline.PartResult`); return how many were new."""
    batch = stage_footprints(session, source, footprints)
    note_stored(session, source, batch)
    return batch.footprints


def stage_footprints(session: Session, source: FootprintSource, footprints: "gpd.GeoDataFrame") -> StoredBatch:
    """Insert footprints of which the change feed does not know yet: those of a job that is not published.

    Columns as in `processing.pipeline.PartResult`; those of `SOURCE_COLUMNS` may be there, too.
    """
    change_key = new_change_key()
    if footprints.empty:
        return StoredBatch(change_key, 0)
    connection = session.connection()
    is_postgis = connection.dialect.name == "postgresql"
    rows = _rows(source, footprints, change_key, as_hex=is_postgis)
    return StoredBatch(change_key, _copy(connection, rows) if is_postgis else _execute_many(connection, list(rows)))


def remove_jobs(session: Session, condition: ColumnElement[bool]) -> int:
    """Remove the jobs that meet a condition, with their footprints and the rows of imported files; return how many.

    With a job of a whole state go its parts, which do not count.
    """
    table = ProcessingJob
    wholes = select(table.id).where(condition).correlate(None)
    going = delete(table).where(or_(condition, table.parent_id.in_(wholes)))
    statement = going.returning(table.owner_id, table.id, table.file_id, table.parent_id)
    removed = session.execute(statement.execution_options(synchronize_session=False)).all()
    for owner_id, job_id, file_id, _ in removed:
        if file_id is not None:
            session.execute(delete(StoredFile).where(StoredFile.id == file_id))
        _note(session, {"owner_id": owner_id, "job_id": job_id, "kind": str(ChangeKind.REMOVED)})
    return sum(parent_id is None for *_, parent_id in removed)


def review_footprint(session: Session, footprint_id: int, state: ReviewState) -> None:
    """Note what a person said of a footprint; saying the same again changes nothing."""
    table, change_key = BuildingFootprint, new_change_key()
    values = {"review_state": str(state), "version": table.version + 1, "change_key": change_key}
    statement = (
        update(table)
        .where(table.id == footprint_id, table.review_state != str(state))
        .values(values)
        .returning(table.job_id, table.scene_id, table.owner_id)
    )
    found = session.execute(statement.execution_options(synchronize_session=False)).one_or_none()
    if found is not None:
        note_stored(session, FootprintSource(*found), StoredBatch(change_key, 1))


def change_footprint(session: Session, source: FootprintSource, footprint_id: int, values: Mapping[str, Any]) -> None:
    """Write columns of one footprint, whose row the caller has locked; its version rises by one."""
    table, change_key = BuildingFootprint, new_change_key()
    changed = dict(values) | {"version": table.version + 1, "change_key": change_key}
    statement = update(table).where(table.id == footprint_id).values(changed)
    session.execute(statement.execution_options(synchronize_session=False))
    note_stored(session, source, StoredBatch(change_key, 1))


def delete_footprint(session: Session, source: FootprintSource, footprint_id: int) -> None:
    """Remove one footprint, whose row the caller has locked."""
    statement = delete(BuildingFootprint).where(BuildingFootprint.id == footprint_id)
    session.execute(statement.execution_options(synchronize_session=False))
    values = {"kind": str(ChangeKind.DELETED), "footprint_id": footprint_id}
    _note(session, {"owner_id": source.owner_id, "job_id": source.job_id, **values})


def new_change_key() -> int:
    """Return a key that no other change has. Keys made later are larger, so that the index on them grows at its end."""
    return (time.time_ns() // 1_000_000) << 20 | secrets.randbits(20)


def note_stored(session: Session, source: FootprintSource, batch: StoredBatch) -> None:
    """Note in the change feed that footprints of a job were stored, in the transaction that lets them be seen.

    Other writers of the feed wait from here to the commit, so it belongs near the end of a transaction.
    """
    if batch.footprints:
        values = {"kind": str(ChangeKind.STORED), "change_key": batch.change_key, "footprints": batch.footprints}
        _note(session, {"owner_id": source.owner_id, "job_id": source.job_id, **values})


def _note(session: Session, values: dict[str, Any]) -> None:
    """Add to the change feed. Until the commit other writers wait, so that ids come in the order of the commits."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FEED_LOCK})
    session.execute(insert(FootprintChange).values(values))


def _copy(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> int:
    driver: Any = connection.connection.driver_connection
    names = ", ".join(COLUMNS)
    with driver.cursor() as cursor:
        cursor.execute(ARRIVALS)
        cursor.execute("TRUNCATE footprint_arrivals")
        with cursor.copy(f"COPY footprint_arrivals ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO building_footprints ({names}) SELECT {names} FROM footprint_arrivals "
            "ON CONFLICT (job_id, footprint_key) DO NOTHING"
        )
        return int(cursor.rowcount)


def _execute_many(connection: Connection, rows: list[tuple[Any, ...]]) -> int:
    marks = ", ".join("?" * len(COLUMNS))
    statement = (
        f"INSERT INTO building_footprints ({', '.join(COLUMNS)}) VALUES ({marks}) "
        "ON CONFLICT (job_id, footprint_key) DO NOTHING"
    )
    return int(connection.exec_driver_sql(statement, rows).rowcount)


def _rows(
    source: FootprintSource, footprints: "gpd.GeoDataFrame", change_key: int, *, as_hex: bool
) -> Iterator[tuple[Any, ...]]:
    if footprints.crs is None or footprints.crs.to_epsg() != SRID:
        raise ValueError(f"footprints must be in EPSG:{SRID}")
    shapes = _valid_polygons(np.asarray(footprints.geometry.values, dtype=object))
    raw_shapes = np.asarray(footprints["raw_geometry"].values, dtype=object)
    shapes_wkb = shapely.to_wkb(_with_srid(shapes, as_hex), hex=as_hex, include_srid=as_hex)
    raw_wkb = shapely.to_wkb(_with_srid(raw_shapes, as_hex), hex=as_hex, include_srid=as_hex)
    envelopes = envelopes_deg(shapes).tolist()
    columns = (footprints[list(ATTRIBUTES)].itertuples(index=False), shapes_wkb, raw_wkb, envelopes)
    for row, wkb, raw, envelope, texts in zip(*columns, _source_texts(footprints), strict=True):
        key, area_m2, confidence, method, iou, status = row
        yield (
            *(source.job_id, source.scene_id, source.owner_id, str(key), wkb, raw),
            *(float(area_m2), _confidence(confidence), str(method), _finite_or_none(iou), str(status)),
            *(*envelope, change_key, *texts),
        )


def _source_texts(footprints: "gpd.GeoDataFrame") -> Iterator[tuple[str | None, ...]]:
    """Yield the values of `SOURCE_COLUMNS`; PostgreSQL takes no text with a NUL in it."""
    found = [footprints[name] if name in footprints else [None] * len(footprints) for name in SOURCE_COLUMNS]
    for texts in zip(*found, strict=True):
        yield tuple(None if text is None else str(text).replace("\0", "") for text in texts)


def _confidence(value: float) -> float | None:
    """Return a confidence, None where there is none."""
    return None if np.isnan(value) else min(1.0, max(0.0, float(value)))


def _finite_or_none(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _with_srid(shapes: NDArray[np.object_], wanted: bool) -> NDArray[np.object_]:
    return np.asarray(shapely.set_srid(shapes, SRID)) if wanted else shapes


def _valid_polygons(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Mend what is not valid, keeping its polygons: one bad ring must not cost the whole part. Empty ones raise."""
    for index in np.flatnonzero(~shapely.is_valid(shapes)):
        mended = shapely.make_valid(shapes[index])
        polygons = [part for part in shapely.get_parts([mended]) if part.geom_type in ("Polygon", "MultiPolygon")]
        shapes[index] = shapely.union_all(polygons)
    if shapely.is_empty(shapes).any() or shapely.is_missing(shapes).any():
        raise ValueError("a footprint without area cannot be stored")
    return shapes


def envelopes_deg(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return (N, 4) float64 in degrees: min_lon, min_lat, max_lon, max_lat of each shape.

    A shape that is cut at the antimeridian has its eastern half counted beyond 180.
    """
    envelopes = shapely.bounds(shapes)
    for index in np.flatnonzero(envelopes[:, 2] - envelopes[:, 0] > 180):
        parts = shapely.bounds(shapely.get_parts([shapes[index]]))
        west_of_line = parts[:, 0] >= 0
        if west_of_line.all() or not west_of_line.any():
            continue  # not cut, only very wide
        envelopes[index, 0] = parts[west_of_line, 0].min()
        envelopes[index, 2] = parts[~west_of_line, 2].max() + 360.0
    return np.asarray(envelopes, dtype=np.float64)
