"""Reads of footprints. Every function takes a filter and answers the same on both databases."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from models.bbox import Bbox, meets_bbox
from models.footprint import BuildingFootprint
from models.geometry_type import SRID
from models.scene import Scene

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
)


@dataclass(frozen=True, slots=True)
class FootprintFilter:
    """Which footprints; None means no limit. `owner_id` is the access limit."""

    owner_id: int | None = None
    job_id: str | None = None
    scene_id: str | None = None
    bbox: Bbox | None = None
    min_confidence: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions."""
        table = BuildingFootprint
        found: list[ColumnElement[bool]] = []
        if self.owner_id is not None:
            found.append(table.owner_id == self.owner_id)
        if self.job_id is not None:
            found.append(table.job_id == self.job_id)
        if self.scene_id is not None:
            found.append(table.scene_id == self.scene_id)
        if self.bbox is not None:
            found.append(meets_bbox(self.bbox))
        if self.min_confidence is not None:
            found.append(table.confidence >= self.min_confidence)
        return found


def count(session: Session, wanted: FootprintFilter) -> int:
    """Count footprints."""
    return session.scalars(select(func.count(BuildingFootprint.id)).where(*wanted.conditions())).one()


def read_page(session: Session, wanted: FootprintFilter, after_id: int, limit: int) -> gpd.GeoDataFrame:
    """Return up to `limit` footprints with ids above `after_id`, by id. EPSG:4326."""
    statement = (
        _columns()
        .where(BuildingFootprint.id > after_id, *wanted.conditions())
        .order_by(BuildingFootprint.id)
        .limit(limit)
    )
    return _to_frame(session.execute(statement).all())


def totals(session: Session, wanted: FootprintFilter) -> Row[int, float | None, float | None, float | None]:
    """Return count, total area, mean area, mean confidence; the last three are None when there are none."""
    table = BuildingFootprint
    columns = (func.count(table.id), func.sum(table.area_m2), func.avg(table.area_m2), func.avg(table.confidence))
    return session.execute(select(*columns).where(*wanted.conditions())).one()


def candidates_at(session: Session, wanted: FootprintFilter, limit: int) -> Sequence[Any]:
    """Return footprints whose envelope meets the filter's box, the smallest first, with their scene's name."""
    table = BuildingFootprint
    statement = (
        select(*(getattr(table, name) for name in ATTRIBUTES), table.geometry, Scene.name.label("scene_name"))
        .join(Scene, Scene.id == table.scene_id)
        .where(*wanted.conditions())
        .order_by(table.area_m2, table.id)
        .limit(limit)
    )
    return session.execute(statement).all()


def _columns() -> Select[Any]:
    table = BuildingFootprint
    return select(*(getattr(table, name) for name in ATTRIBUTES), table.geometry)


def _to_frame(rows: Any) -> gpd.GeoDataFrame:
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(ATTRIBUTES) + 1)
    frame = pd.DataFrame(dict(zip(ATTRIBUTES, columns, strict=False)))
    numbers = {"id": "int64", "area_m2": "float64", "confidence": "float64", "reg_iou": "float64"}
    frame = frame.astype(numbers)
    frame["created_at"] = pd.to_datetime(frame["created_at"].astype("float64"), unit="s", utc=True)
    return gpd.GeoDataFrame(frame, geometry=shapely.from_wkb(list(columns[-1])), crs=SRID)
