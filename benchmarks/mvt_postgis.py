"""PostGIS's side of `bench mvt`: tiles by `ST_AsMVT` with the attributes of ours; prints one line of JSON.

The server is one of our own in a temporary folder. The table holds EPSG:3857 with GiST indexes, so that no tile has to
project anything. From zoom 14 on it makes the same polygons; below, sums by cell of the same 64 x 64 grid.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import shapely

from benchmarks.map_load import TOWNS, load_batches
from benchmarks.map_ours import Timed
from benchmarks.mvt_ours import addresses
from processing.footprint_index.vector_tile import POLYGONS_FROM_ZOOM
from processing.rendering.tile_grid import TileAddress, degrees_to_mercator
from tests.support.postgres import SUPERUSER, PostgresServer, running_server

SETTINGS = {
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "64MB",
    "shared_buffers": "256MB",
}
"""One process for a tile, as ours is one thread: wall clock is not bought with more processors."""
TABLE = """
CREATE TABLE footprints (
    id bigint, shape geometry(Geometry, 3857), centre geometry(Point, 3857),
    confidence float8, area_m2 float8, job text, review text
)
"""
COPY = "COPY footprints FROM STDIN (FORMAT binary)"
COLUMN_TYPES = ("int8", "bytea", "bytea", "float8", "float8", "text", "text")
POLYGONS = """
SELECT ST_AsMVT(tile, 'footprints', 4096, 'geometry', 'id') FROM (
    SELECT id, confidence, area_m2, job, review,
        ST_AsMVTGeom(shape, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true) AS geometry
    FROM footprints
    WHERE shape && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096)
) AS tile WHERE geometry IS NOT NULL
"""
POINTS = """
WITH tile AS (SELECT ST_TileEnvelope(%(z)s, %(x)s, %(y)s) AS box),
cells AS (
    SELECT floor((ST_X(centre) - ST_XMin(box)) / (ST_XMax(box) - ST_XMin(box)) * 64) AS across,
        floor((ST_YMax(box) - ST_Y(centre)) / (ST_XMax(box) - ST_XMin(box)) * 64) AS down,
        count(*) AS count, sum(area_m2) AS total_area_m2, avg(confidence) AS mean_confidence
    FROM footprints, tile WHERE centre && box GROUP BY 1, 2
)
SELECT ST_AsMVT(points, 'footprints', 4096, 'geometry') FROM (
    SELECT count, total_area_m2, mean_confidence, ST_AsMVTGeom(ST_SetSRID(ST_Point(
        ST_XMin(box) + (across + 0.5) / 64 * (ST_XMax(box) - ST_XMin(box)),
        ST_YMax(box) - (down + 0.5) / 64 * (ST_XMax(box) - ST_XMin(box))), 3857), box, 4096, 0) AS geometry
    FROM cells, tile
) AS points
"""


def fill(connection: "psycopg.Connection[Any]", rows: int) -> None:
    """Store the towns and index them."""
    connection.execute(TABLE)
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        copy.set_types(COLUMN_TYPES)
        for batch in load_batches(TOWNS, rows):
            shapes = shapely.transform(batch.geometries, lambda p: np.column_stack(degrees_to_mercator(*p.T)))
            boxes = shapely.bounds(shapes)
            centres = shapely.points((boxes[:, :2] + boxes[:, 2:]) / 2)
            binary = (shapely.to_wkb(shapely.set_srid(one, 3857), include_srid=True) for one in (shapes, centres))
            numbers = (batch.confidence.round(4).tolist(), batch.area_m2.round(1).tolist())
            texts = (batch.jobs.tolist(), batch.review.astype(str).tolist())
            for row in zip(batch.ids.tolist(), *binary, *numbers, *texts, strict=True):
                copy.write_row(row)
    connection.execute("CREATE INDEX ON footprints USING gist (shape)")
    connection.execute("CREATE INDEX ON footprints USING gist (centre)")
    connection.execute("VACUUM ANALYZE footprints")


def measure(connection: "psycopg.Connection[Any]", rows: int, count: int) -> dict[str, Any]:
    """Time each tile once, after all were made once."""
    zooms = {}
    for zoom, places in addresses(rows, count).items():
        made = [tile(connection, place) for place in places]
        cpu_ms, wall_ms = timed_tiles(connection, places)
        zooms[str(zoom)] = {"cpu_ms": cpu_ms, "wall_ms": wall_ms, "bytes": list(map(len, made)), "first": made[0].hex()}
        print(f"z{zoom}", file=sys.stderr)
    return {"zooms": zooms}


def timed_tiles(connection: "psycopg.Connection[Any]", places: list[TileAddress]) -> Timed:
    """Return milliseconds of processor time of the server's process, and of wall clock until the bytes are here."""
    schedule = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    cpu_ms, wall_ms = [], []
    for place in places:
        before, began = int(schedule.read_text().split()[0]), time.perf_counter()
        tile(connection, place)
        wall_ms.append(1e3 * (time.perf_counter() - began))
        cpu_ms.append(1e-6 * (int(schedule.read_text().split()[0]) - before))
    return cpu_ms, wall_ms


def tile(connection: "psycopg.Connection[Any]", place: TileAddress) -> bytes:
    """Make one tile."""
    statement = POLYGONS if place.z >= POLYGONS_FROM_ZOOM else POINTS
    values = {"z": place.z, "x": place.x, "y": place.y}
    (found,) = connection.execute(statement, values, prepare=True, binary=True).fetchone() or (b"",)
    return bytes(found)


def serve_faster(server: PostgresServer) -> None:
    """Give the server the settings of a small machine instead of those of tests."""
    with psycopg.connect(server.url("postgres", SUPERUSER), autocommit=True) as connection:
        for name, value in SETTINGS.items():
            connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    server.restart_at_once()


def main() -> None:
    """Arguments: rows, tiles."""
    rows, count = int(sys.argv[1]), int(sys.argv[2])
    with running_server() as server:
        serve_faster(server)
        with psycopg.connect(server.url(server.make_template(), SUPERUSER), autocommit=True) as connection:
            fill(connection, rows)
            print(json.dumps(measure(connection, rows, count)))


if __name__ == "__main__":
    main()
