"""The index's side of `bench map`: build it, or draw views from one that was built; prints one line of JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.map_load import HEIGHT_PX, WIDTH_PX, ZOOMS, load_batches, view_centres, views_of
from benchmarks.map_towns import town_batches
from processing.footprint_index.filters import NO_FILTER, FootprintFilters
from processing.footprint_index.grid import GRID_UNITS, view_window
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.palettes import Style
from processing.footprint_index.render import cover, painter_of, render_tile, render_view
from processing.footprint_index.snapshot import Snapshot
from processing.footprint_index.statistics import view_statistics
from processing.rendering.tile_grid import WORLD_SIZE_M, TileAddress

FILTERS = FootprintFilters(min_confidence=0.6, min_area_m2=60.0)
ADDED = 10_000
AREA_ZOOMS = (14, 16, 18)
CENTRES = "centres.npy"
SIZE = (WIDTH_PX, HEIGHT_PX)
Timed = tuple[list[float], list[float]]


def timed(work: Callable[[Any], object], things: list[Any], warm: int = 1) -> Timed:
    """Return milliseconds of processor time and of wall clock of each piece of work, the first ones done before."""
    for thing in things[:warm]:
        work(thing)
    cpu_ms, wall_ms = [], []
    for thing in things:
        started = time.process_time(), time.perf_counter()
        work(thing)
        cpu_ms.append(1e3 * (time.process_time() - started[0]))
        wall_ms.append(1e3 * (time.perf_counter() - started[1]))
    return cpu_ms, wall_ms


def resident_mb() -> float:
    """Return the memory of this process that is in use now, mapped files included."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def build(name: str, rows: int, folder: Path) -> dict[str, Any]:
    """Feed the index batch by batch, and merge it as it grows and at the end."""
    index, spent = FootprintIndex(folder), {"apply_s": 0.0, "compact_s": 0.0}
    for batch in load_batches(name, rows):
        started = time.process_time()
        index.apply(batch)
        spent["apply_s"] += time.process_time() - started
        started = time.process_time()
        while index.compact():
            pass
        spent["compact_s"] += time.process_time() - started
    started = time.process_time()
    index.compact(everything=True)
    spent["compact_s"] += time.process_time() - started
    size = sum(path.stat().st_size for path in folder.iterdir())
    np.save(folder / CENTRES, np.stack(view_centres(name, rows)))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return spent | {"rows": len(index.snapshot()), "bytes_each": size / len(index.snapshot()), "peak_mb": peak_mb}


def view(folder: Path, count: int) -> dict[str, Any]:
    """Time views, filtered views, statistics and tiles at each zoom; then 10,000 more footprints."""
    snapshot = FootprintIndex(folder).snapshot()
    x_m, y_m = np.load(folder / CENTRES)
    zooms: dict[str, dict[str, Timed]] = {}
    for zoom in ZOOMS:
        views = views_of(x_m, y_m, zoom, count)
        zooms[str(zoom)] = {
            "view": timed(lambda bounds: render_view(snapshot, bounds, SIZE), views),
            "view by confidence": timed(lambda bounds: render_view(snapshot, bounds, SIZE, Style("confidence")), views),
            "filtered view": timed(lambda bounds: render_view(snapshot, bounds, SIZE, Style(), FILTERS), views),
            "statistics": timed(lambda bounds: view_statistics(snapshot, bounds), views),
            "tile": timed(lambda address: render_tile(snapshot, address), tiles_of(x_m, y_m, zoom, count)),
        }
    memory_mb = resident_mb()
    areas = {str(zoom): covered_m2(snapshot, views_of(x_m, y_m, zoom, count)[0]) for zoom in AREA_ZOOMS}
    more = add_more(folder, len(snapshot))
    return {"zooms": zooms, "resident_mb": memory_mb, "covered_m2": areas, "rows": len(snapshot)} | more


def tiles_of(x_m: np.ndarray, y_m: np.ndarray, zoom: int, count: int) -> list[TileAddress]:
    """Return tiles, each over some footprint."""
    chosen = np.random.default_rng(100 + zoom).integers(0, len(x_m), count)
    columns = ((x_m[chosen] / WORLD_SIZE_M + 0.5) * 2**zoom).astype(int).tolist()
    lines = ((0.5 - y_m[chosen] / WORLD_SIZE_M) * 2**zoom).astype(int).tolist()
    return [TileAddress(zoom, column, line) for column, line in zip(columns, lines, strict=True)]


def covered_m2(snapshot: Snapshot, bounds: tuple[float, float, float, float]) -> float:
    """Return the area (m² of EPSG:3857) that a view's pixels are covered by, overlaps counted twice."""
    window = view_window(bounds, *SIZE)
    total = cover(snapshot, window, painter_of(snapshot, Style()), NO_FILTER).total.sum(dtype=float)
    return float(total) * window.units_per_px_x**2 * (WORLD_SIZE_M / GRID_UNITS) ** 2


def add_more(folder: Path, rows: int) -> dict[str, Any]:
    """Time 10,000 more until another reader draws them, each time durably, and take them away again."""
    writer, reader = FootprintIndex(folder), FootprintIndex(folder)
    batches = [next(iter(town_batches(ADDED, seed, 10**9 + seed * ADDED))) for seed in range(6)]
    reader.snapshot()

    def add(batch: Any) -> None:
        writer.apply(batch)
        assert len(reader.snapshot()) > rows
        render_tile(reader.snapshot(), TileAddress(10, 256, 384))

    cpu_ms, wall_ms = timed(add, batches[1:], warm=0)
    writer.apply(deleted=np.concatenate([batch.ids for batch in batches]))
    return {"added_ms": (cpu_ms[1:], wall_ms[1:])}


def main() -> None:
    """Do what the arguments say: build or view, data set, rows, folder, and for views how many."""
    what, name, rows, folder = sys.argv[1:5]
    if what == "build":
        print(json.dumps(build(name, int(rows), Path(folder))))
    else:
        print(json.dumps(view(Path(folder), int(sys.argv[5]))))


if __name__ == "__main__":
    main()
