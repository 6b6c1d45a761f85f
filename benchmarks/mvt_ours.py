"""The index's side of `bench mvt`: build it from made-up towns and time vector tiles; prints one line of JSON."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.map_load import TOWNS, load_batches, view_centres
from benchmarks.map_ours import resident_mb, tiles_of, timed
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.vector_tile import vector_tile
from processing.rendering.tile_grid import TileAddress

ZOOMS = (8, 11, 14, 17)


def addresses(rows: int, count: int) -> dict[int, list[TileAddress]]:
    """Return the tiles of each zoom, each over some building, the same for every subject."""
    centres = view_centres(TOWNS, rows)
    return {zoom: tiles_of(*centres, zoom, count) for zoom in ZOOMS}


def measure(rows: int, count: int, folder: Path) -> dict[str, Any]:
    """Time each tile once, after all were made once: the machine code and the pages of the files are there then."""
    index = FootprintIndex(folder)
    for batch in load_batches(TOWNS, rows):
        index.apply(batch)
    index.compact(everything=True)
    snapshot = index.snapshot()
    zooms = {}
    for zoom, places in addresses(rows, count).items():
        cpu_ms, wall_ms = timed(lambda place: vector_tile(snapshot, place), places, warm=len(places))
        made = [vector_tile(snapshot, place) for place in places]
        zooms[str(zoom)] = {"cpu_ms": cpu_ms, "wall_ms": wall_ms, "bytes": list(map(len, made)), "first": made[0].hex()}
    return {"zooms": zooms, "rows": len(snapshot), "resident_mb": resident_mb()}


def main() -> None:
    """Arguments: rows, tiles."""
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]), Path(folder))))


if __name__ == "__main__":
    main()
