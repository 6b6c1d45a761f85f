"""The peer of `bench api`: the same endpoints as a good developer writes them in an afternoon.

FastAPI, SQLAlchemy's ORM, Pydantic models, offset pagination with count(*), ST_Intersects on PostGIS; no accounts, no
limits. SQLite has no geometry of its own, so there the boxes of buildings stand in columns with an index, and the
outlines are GeoJSON. PLAIN_DATABASE is the address of the database.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import shapely
from fastapi import Depends, FastAPI, HTTPException, Query
from geoalchemy2 import Geometry
from geoalchemy2.shape import to_shape
from pydantic import BaseModel
from sqlalchemy import BigInteger, Index, Text, create_engine, func, select
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.types import DateTime

ADDRESS = os.environ["PLAIN_DATABASE"]
IS_SQLITE = make_url(ADDRESS).get_backend_name() == "sqlite"
engine = create_engine(ADDRESS, pool_size=10, max_overflow=20)
Sessions = sessionmaker(engine)
app = FastAPI(title="Buildings")


class Base(DeclarativeBase):
    """Tables."""


class Building(Base):
    """A row."""

    __tablename__ = "buildings"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    job_id: Mapped[str] = mapped_column(index=True)
    scene_id: Mapped[str]
    area_m2: Mapped[float]
    confidence: Mapped[float]
    reg_method: Mapped[str]
    review_state: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime if IS_SQLITE else TIMESTAMP(timezone=True))
    min_lon: Mapped[float]
    min_lat: Mapped[float]
    max_lon: Mapped[float]
    max_lat: Mapped[float]
    geometry: Mapped[Any] = mapped_column(Text if IS_SQLITE else Geometry("POLYGON", srid=4326))
    __table_args__ = (Index("ix_box", "min_lon", "max_lon", "min_lat", "max_lat"),) if IS_SQLITE else ()


class Properties(BaseModel):
    """What a building has."""

    job_id: str
    scene_id: str
    area_m2: float
    confidence: float
    reg_method: str
    review_state: str
    created_at: datetime


class Feature(BaseModel):
    """A GeoJSON Feature."""

    type: str = "Feature"
    id: int
    geometry: dict[str, Any]
    properties: Properties


class FeatureCollection(BaseModel):
    """A page."""

    type: str = "FeatureCollection"
    features: list[Feature]
    numberMatched: int
    numberReturned: int


class Statistics(BaseModel):
    """Sums."""

    count: int
    total_area_m2: float
    mean_area_m2: float | None
    mean_confidence: float | None


def open_session() -> Iterator[Session]:
    """One session for each request."""
    with Sessions() as session:
        yield session


Db = Annotated[Session, Depends(open_session)]
Box = Annotated[str | None, Query()]


@app.get("/buildings")
def list_buildings(
    db: Db,
    bbox: Box = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> FeatureCollection:
    """Return a page."""
    conditions = meets(bbox)
    matched = db.scalar(select(func.count()).select_from(Building).where(*conditions)) or 0
    rows = db.scalars(select(Building).where(*conditions).order_by(Building.id).limit(limit).offset(offset)).all()
    features = [feature_of(row) for row in rows]
    return FeatureCollection(features=features, numberMatched=matched, numberReturned=len(features))


@app.get("/buildings/statistics/overview")
@app.get("/buildings/statistics/view")
def statistics(db: Db, view: Box = None, min_confidence: float | None = None) -> Statistics:
    """Sum up."""
    conditions = meets(view)
    if min_confidence is not None:
        conditions.append(Building.confidence >= min_confidence)
    columns = (func.count(), func.sum(Building.area_m2), func.avg(Building.area_m2), func.avg(Building.confidence))
    count, total, mean, confidence = db.execute(select(*columns).where(*conditions)).one()
    return Statistics(count=count, total_area_m2=total or 0, mean_area_m2=mean, mean_confidence=confidence)


@app.get("/buildings/{building_id}")
def get_building(db: Db, building_id: int) -> Feature:
    """Return one."""
    row = db.get(Building, building_id)
    if row is None:
        raise HTTPException(404)
    return feature_of(row)


def meets(bbox: str | None) -> list[Any]:
    """Return the conditions of a box."""
    if bbox is None:
        return []
    west, south, east, north = map(float, bbox.split(","))
    if not IS_SQLITE:
        return [func.ST_Intersects(Building.geometry, func.ST_MakeEnvelope(west, south, east, north, 4326))]
    across = (Building.min_lon <= east, Building.max_lon >= west)
    return [*across, Building.min_lat <= north, Building.max_lat >= south]


def feature_of(row: Building) -> Feature:
    """Return a row as GeoJSON."""
    geometry = json.loads(row.geometry) if IS_SQLITE else shapely.geometry.mapping(to_shape(row.geometry))
    properties = Properties.model_validate(row, from_attributes=True)
    return Feature(id=row.id, geometry=geometry, properties=properties)


def fill(batches: Iterator[Any]) -> None:
    """Make the table of the footprints that the benchmark gives."""
    Base.metadata.create_all(engine)
    for batch in batches:
        bounds = shapely.bounds(batch.geometries).tolist()
        shapes = shapely.to_geojson(batch.geometries) if IS_SQLITE else shapely.to_wkt(batch.geometries, 15)
        rows = [
            {
                "id": one,
                "job_id": batch.jobs[at],
                "scene_id": batch.scenes[at],
                "area_m2": float(batch.area_m2[at]),
                "confidence": float(batch.confidence[at]),
                "reg_method": "none",
                "review_state": "unreviewed",
                "created_at": datetime.fromtimestamp(float(batch.created_s[at]), UTC),
                **dict(zip(("min_lon", "min_lat", "max_lon", "max_lat"), bounds[at], strict=True)),
                "geometry": shapes[at] if IS_SQLITE else f"SRID=4326;{shapes[at]}",
            }
            for at, one in enumerate(batch.ids.tolist())
        ]
        with engine.begin() as connection:
            if IS_SQLITE:
                connection.execute(Building.__table__.insert(), rows)
            else:
                copy_rows(connection.connection.cursor(), rows)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE" if IS_SQLITE else "VACUUM ANALYZE buildings")


def copy_rows(cursor: Any, rows: list[dict[str, Any]]) -> None:
    """Store rows in bulk; how they got there is not what is measured."""
    with cursor, cursor.copy(f"COPY buildings ({', '.join(rows[0])}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(tuple(row.values()))
