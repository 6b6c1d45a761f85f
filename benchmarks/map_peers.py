"""The peers' side of `bench map`, one to a process: datashader's points, or its polygons from an indexed table.

Prints one line of JSON. A peer that takes longer than a few seconds for a view is not asked for the zooms further out.
"""

import io
import json
import sys
import time
from typing import Any

import datashader
import geopandas
import numpy as np
import pandas
import shapely
from datashader import transfer_functions

from benchmarks.map_load import HEIGHT_PX, WIDTH_PX, ZOOMS, load_batches, view_centres, views_of
from benchmarks.map_ours import AREA_ZOOMS, Timed, resident_mb, timed
from processing.rendering.tile_grid import degrees_to_mercator

SLOWEST_S = 8.0


def points(name: str, rows: int, count: int) -> dict[str, Any]:
    """Time `Canvas.points`, `shade` and a PNG at the fastest level."""
    frame = pandas.DataFrame(centres(name, rows))

    def draw(bounds: tuple[float, float, float, float]) -> None:
        west, south, east, north = bounds
        canvas = datashader.Canvas(WIDTH_PX, HEIGHT_PX, (west, east), (south, north))
        picture = transfer_functions.shade(canvas.points(frame, "x", "y"), how="log")
        picture.to_pil().save(io.BytesIO(), "PNG", compress_level=1)

    return {"zooms": each_zoom(draw, name, rows, count), "resident_mb": resident_mb()}


def centres(name: str, rows: int) -> dict[str, np.ndarray]:
    """Return x and y of all centres in metres."""
    boxes = np.vstack([shapely.bounds(batch.geometries) for batch in load_batches(name, rows)])
    x, y = degrees_to_mercator((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2)
    return {"x": x, "y": y}


def polygons(name: str, rows: int, count: int, kind: str) -> dict[str, Any]:
    """Time `.cx`, which uses the table's spatial index, and `Canvas.polygons`, without a PNG."""
    shapes = np.concatenate([batch.geometries for batch in load_batches(name, rows)])
    shapes = shapely.transform(shapes, lambda degrees: np.column_stack(degrees_to_mercator(*degrees.T)))
    frame: Any = geopandas.GeoDataFrame(geometry=shapes, crs=3857)
    areas = {} if kind == "spatialpandas" else expected_m2(shapes, name, rows, count)
    if kind == "spatialpandas":
        import spatialpandas

        frame = spatialpandas.GeoDataFrame({"geometry": spatialpandas.GeoSeries(frame.geometry)})
    frame.geometry.sindex  # noqa: B018 the index is built when it is first asked for

    def draw(bounds: tuple[float, float, float, float]) -> None:
        west, south, east, north = bounds
        canvas = datashader.Canvas(WIDTH_PX, HEIGHT_PX, (west, east), (south, north))
        canvas.polygons(frame.cx[west:east, south:north], "geometry", datashader.count())

    return {"zooms": each_zoom(draw, name, rows, count), "resident_mb": resident_mb(), "area_m2": areas}


def expected_m2(shapes: np.ndarray, name: str, rows: int, count: int) -> dict[str, float]:
    """Return the area of what lies in the first view of some zooms, by shapely."""
    x_m, y_m = view_centres(name, rows)
    views = {zoom: views_of(x_m, y_m, zoom, count)[0] for zoom in AREA_ZOOMS}
    return {str(zoom): float(shapely.area(shapely.clip_by_rect(shapes, *view)).sum()) for zoom, view in views.items()}


def each_zoom(draw: Any, name: str, rows: int, count: int) -> dict[str, Timed]:
    """Time the views of each zoom, from near to far."""
    x_m, y_m = view_centres(name, rows)
    zooms: dict[str, Timed] = {}
    draw(views_of(x_m, y_m, ZOOMS[-1], 1)[0])
    for zoom in reversed(ZOOMS):
        views = views_of(x_m, y_m, zoom, count)
        started = time.process_time()
        draw(views[0])
        slow = time.process_time() - started > SLOWEST_S
        zooms[str(zoom)] = timed(draw, views[:1] if slow else views, warm=0)
        if slow:
            break
    return zooms


def main() -> None:
    """Run the named peer: kind, data set, rows, views."""
    kind, name, rows, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    done = points(name, rows, count) if kind == "points" else polygons(name, rows, count, kind)
    print(json.dumps(done))


if __name__ == "__main__":
    main()
