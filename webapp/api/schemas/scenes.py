"""Scenes as the API shows them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class SceneOut(BaseModel):
    """A scene. `bounds_deg`: west, south, east, north; west > east over the antimeridian."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    width_px: int
    height_px: int
    band_count: int
    dtype: str
    epsg: int | None
    gsd_m: float
    bounds_deg: tuple[float, float, float, float]
    size_bytes: int
    created_at: datetime
    outline_geojson: dict[str, Any]


class ScenesOut(BaseModel):
    """The newest scenes, newest first."""

    scenes: list[SceneOut]
