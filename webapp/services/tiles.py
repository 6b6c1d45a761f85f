"""Map tiles as PNG bytes: the base map, scenes, footprints. Access is decided for every tile."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from auth.principals import Principal
from processing.rendering.base_tiles import THEMES, open_base_map
from processing.rendering.footprint_tiles import (
    OUTLINES_FROM_ZOOM,
    FootprintPoints,
    render_density,
    render_footprints,
)
from processing.rendering.png import encode_png
from processing.rendering.scene_tiles import is_large, needs_pyramid, render_scene_tile
from processing.rendering.tile_grid import TILE_PX, TileAddress
from webapp.resources import Resources
from webapp.services import footprints, jobs, scenes
from webapp.services.footprint_points import JobPoints, points_in_box, points_of_job
from webapp.services.footprints import FootprintQuery
from webapp.services.pyramids import PyramidSource, start_pyramid, wait_for_pyramid

BASEMAP_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "basemap"
MARGIN_PX = 4
"""Footprints beyond the tile's edge whose outline still reaches into it."""
MOST_OUTLINES = 60_000
"""A tile at the first zoom with outlines holds a quarter of this in the densest cities."""


def base_tile(resources: Resources, address: TileAddress, theme: str = "light") -> bytes:
    """Return a tile of the shipped base map. Raises `ParameterInvalid` for an unknown theme."""
    return _base_tile(address, theme)


@lru_cache(maxsize=4096)
def _base_tile(address: TileAddress, theme: str) -> bytes:
    return encode_png(open_base_map(BASEMAP_FOLDER).render(address, theme))


def warm_up() -> None:
    """Do what would make the first tile slow: read the outlines, draw the first zooms."""
    for theme in THEMES:
        for z in range(2):
            for x in range(2**z):
                for y in range(2**z):
                    _base_tile(TileAddress(z, x, y), theme)


def scene_tile(resources: Resources, principal: Principal, scene_id: str, address: TileAddress) -> bytes:
    """Return a tile of a scene. Raises `NotFound`, `StorageUnavailable`, `RasterUnreadable`, `TilesNotReady`."""
    source = _source(resources, principal, scene_id)
    pyramid = wait_for_pyramid(resources, source) if needs_pyramid(source.info, address) else None
    return encode_png(render_scene_tile(source.path, source.info, address, pyramid=pyramid))


def prepare_scene(resources: Resources, principal: Principal, scene_id: str) -> None:
    """Begin to make what far-out tiles of a scene need, so that it is there when somebody looks."""
    source = _source(resources, principal, scene_id)
    if is_large(source.info):
        start_pyramid(resources, source)


def footprint_tile(resources: Resources, principal: Principal, query: FootprintQuery, address: TileAddress) -> bytes:
    """Return a tile of footprints; the box in `query` is ignored. Raises `NotFound` for a job that is not theirs."""
    job = None if query.job_id is None else jobs.get_job(resources, principal, query.job_id)
    near = FootprintQuery(query.job_id, query.scene_id, _box_with_margin(address), query.min_confidence)
    if address.z >= OUTLINES_FROM_ZOOM:
        frame = footprints.list_footprints(resources, principal, near, limit=MOST_OUTLINES)
        return encode_png(
            render_footprints(frame.geometry.to_numpy(), frame["confidence"].to_numpy(np.float64), address)
        )
    if job is None or query.scene_id is not None:
        found = points_in_box(resources, principal, near)
    else:
        revision = f"{job.state}-{job.footprint_count}"
        found = points_of_job(resources, principal, JobPoints(job.id, revision)).above(query.min_confidence)
    return encode_png(render_density(FootprintPoints(*found.columns), address))


def _source(resources: Resources, principal: Principal, scene_id: str) -> PyramidSource:
    info = scenes.get_scene_info(resources, principal, scene_id)
    return PyramidSource(scene_id, scenes.scene_file(resources, principal, scene_id), info)


def _box_with_margin(address: TileAddress) -> tuple[float, float, float, float]:
    west, south, east, north = address.bounds_deg
    margin_deg = 360.0 / 2**address.z * MARGIN_PX / TILE_PX
    return (
        max(west - margin_deg, -180.0),
        max(south - margin_deg, -90.0),
        min(east + margin_deg, 180.0),
        min(north + margin_deg, 90.0),
    )
