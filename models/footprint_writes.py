"""Writing footprints in bulk: COPY on PostGIS, executemany on SQLite. What is there already is left alone.

Whoever stores or removes footprints notes it in the change feed in the same transaction.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, text, update
from sqlalchemy.orm import Session

from models.footprint import BuildingFootprint, ReviewState
from models.footprint_change import ChangeKind, FootprintChange
from models.geometry_type import SRID
from models.job import ProcessingJob

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
)
FEED_LOCK = 0x62666D33
ARRIVALS = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS footprint_arrivals AS "
    f"SELECT {', '.join(COLUMNS)} FROM building_footprints WITH NO DATA"
)


@dataclass(frozen=True, slots=True)
class FootprintSource:
    """What all footprints of a job share."""

    job_id: str
    scene_id: str
    owner_id: int


def insert_footprints(session: Session, source: FootprintSource, footprints: gpd.GeoDataFrame) -> int:
    """Insert footprints (columns as in `processing.pipeline.PartResult`); return how many were new."""
    if footprints.empty:
        return 0
    connection, change_key = session.connection(), new_change_key()
    is_postgis = connection.dialect.name == "postgresql"
    rows = [(*row, change_key) for row in _rows(source, footprints, as_hex=is_postgis)]
    added = _copy(connection, rows) if is_postgis else _execute_many(connection, rows)
    if added:
        note_stored(session, source, change_key, added)
    return added


def remove_jobs(session: Session, condition: ColumnElement[bool]) -> int:
    """Remove the jobs that meet a condition, with their footprints; return how many."""
    statement = delete(ProcessingJob).where(condition).returning(ProcessingJob.owner_id, ProcessingJob.id)
    removed = session.execute(statement.execution_options(synchronize_session=False)).all()
    for owner_id, job_id in removed:
        _note(session, {"owner_id": owner_id, "job_id": job_id, "kind": str(ChangeKind.REMOVED)})
    return len(removed)


def review_footprints(session: Session, condition: ColumnElement[bool], state: ReviewState) -> int:
    """Note what a person said of the footprints that meet a condition; return how many had another state before."""
    table = BuildingFootprint
    chosen = and_(condition, table.review_state != str(state))
    groups = session.execute(select(table.job_id, table.scene_id, table.owner_id).where(chosen).distinct()).all()
    total = 0
    for job_id, scene_id, owner_id in groups:
        change_key = new_change_key()
        values = {"review_state": str(state), "version": table.version + 1, "change_key": change_key}
        statement = update(table).where(chosen, table.job_id == job_id).values(values).returning(table.id)
        number = len(session.scalars(statement.execution_options(synchronize_session=False)).all())
        note_stored(session, FootprintSource(job_id, scene_id, owner_id), change_key, number)
        total += number
    return total


def new_change_key() -> int:
    """Return a key that no other change has. Keys made later are larger, so that the index on them grows at its end."""
    return (time.time_ns() // 1_000_000) << 20 | secrets.randbits(20)


def note_stored(session: Session, source: FootprintSource, change_key: int, number: int) -> None:
    """Note in the change feed that footprints of a job were stored; the last thing that a transaction does."""
    values = {"kind": str(ChangeKind.STORED), "change_key": change_key, "footprints": number}
    _note(session, {"owner_id": source.owner_id, "job_id": source.job_id, **values})


def _note(session: Session, values: dict[str, Any]) -> None:
    """Add to the change feed. Until the commit other writers wait, so that ids come in the order of the commits."""
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FEED_LOCK})
    session.execute(insert(FootprintChange).values(values))


def _copy(connection: Connection, rows: list[tuple[Any, ...]]) -> int:
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


def _rows(source: FootprintSource, footprints: gpd.GeoDataFrame, *, as_hex: bool) -> Iterator[tuple[Any, ...]]:
    if footprints.crs is None or footprints.crs.to_epsg() != SRID:
        raise ValueError(f"footprints must be in EPSG:{SRID}")
    shapes = _valid_polygons(np.asarray(footprints.geometry.values, dtype=object))
    raw_shapes = np.asarray(footprints["raw_geometry"].values, dtype=object)
    shapes_wkb = shapely.to_wkb(_with_srid(shapes, as_hex), hex=as_hex, include_srid=as_hex)
    raw_wkb = shapely.to_wkb(_with_srid(raw_shapes, as_hex), hex=as_hex, include_srid=as_hex)
    envelopes = envelopes_deg(shapes)
    attributes = footprints[["footprint_key", "area_m2", "confidence", "reg_method", "reg_iou", "reg_status"]]
    for row, wkb, raw, envelope in zip(
        attributes.itertuples(index=False), shapes_wkb, raw_wkb, envelopes.tolist(), strict=True
    ):
        key, area_m2, confidence, method, iou, status = row
        iou_or_none = None if iou is None or not np.isfinite(iou) else float(iou)
        yield (
            *(source.job_id, source.scene_id, source.owner_id, str(key), wkb, raw),
            *(float(area_m2), min(1.0, max(0.0, float(confidence))), str(method), iou_or_none, str(status)),
            *envelope,
        )


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
        envelopes[index, 0] = parts[west_of_line, 0].min()
        envelopes[index, 2] = parts[~west_of_line, 2].max() + 360.0
    return np.asarray(envelopes, dtype=np.float64)
