"""Compile the index's loops before somebody waits for them; the machine code is kept on disk for other processes."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely

from processing.footprint_index.batch import FootprintBatch
from processing.footprint_index.extent import extent_deg
from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.palettes import Style
from processing.footprint_index.render import render_tile
from processing.footprint_index.selection import footprint_at, view_ids
from processing.footprint_index.snapshot import Snapshot
from processing.footprint_index.statistics import view_statistics
from processing.footprint_index.vector_tile import vector_tile
from processing.rendering.tile_grid import TileAddress

ZOOMS = (3, 12, 13, 15, 18)
"""One of each way to draw: sums, centres (for vector tiles one zoom further in), areas, outlines."""


def compile_loops() -> None:
    """Run every loop once on a few footprints. Takes seconds the first time on a machine, then next to nothing."""
    with tempfile.TemporaryDirectory() as folder:
        index = FootprintIndex(Path(folder))
        batch = _some_footprints()
        index.apply(batch)
        index.apply(replace(batch, ids=batch.ids + 100), deleted=[1])
        _look_at(index.snapshot())
        index.compact(everything=True)
        _look_at(index.snapshot())


def _look_at(snapshot: Snapshot) -> None:
    region = FootprintFilters(region=shapely.box(-1, -1, 1, 1), min_confidence=0.1)
    for z in ZOOMS:
        place = TileAddress(z, 2 ** (z - 1), 2 ** (z - 1) - 1)
        for style in (Style("density"), Style("confidence"), Style("job")):
            for filters in (NO_FILTER, region):
                render_tile(snapshot, place, 256, style, filters)
        vector_tile(snapshot, place)
        vector_tile(snapshot, place, region)
    world = (-2e7, -2e7, 2e7, 2e7)
    extent_deg(snapshot, region)
    for filters in (NO_FILTER, region):
        view_statistics(snapshot, world, filters)
        list(view_ids(snapshot, world, filters))
        footprint_at(snapshot, 10.0, 10.0, filters)


def _some_footprints() -> FootprintBatch:
    corners = np.arange(8) * 1e-4
    shapes = shapely.box(corners, corners, corners + 2e-4, corners + 2e-4)
    shapes[0] = shapes[0].buffer(1e-4).difference(shapes[0].buffer(-5e-5))
    number = len(shapes)
    return FootprintBatch(
        ids=np.arange(number), versions=np.ones(number, np.int32), geometries=shapes,
        area_m2=np.full(number, 400.0), confidence=np.linspace(0, 1, number), jobs=np.full(number, "job", object),
        scenes=np.full(number, "scene", object), created_s=np.full(number, 1.0), review=np.zeros(number, np.uint8),
    )  # fmt: skip
