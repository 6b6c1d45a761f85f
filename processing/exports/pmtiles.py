"""PMTiles: vector tiles of zooms 14 and 15 by GDAL, which cuts and packs them; no footprint is left out."""

import gzip
import json
import struct
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from processing.exports.arrow_batches import arrow_batches
from processing.exports.batches import FootprintBatch
from processing.exports.ogr_files import LAYER
from processing.exports.tile_child import write_tiles

ZOOMS = (14, 15)
"""At zoom 15 a tile's grid is 0.3 m at the equator; maps draw higher zooms from it. Below 14 a footprint is a dot, and
a tile of a whole city would be too large for a browser."""
NO_LIMIT = 2**31 - 1
"""GDAL thins out tiles of more than 500 kB or 200,000 features if it is not told otherwise."""
HEADER_BYTES = 127
GZIP, MVT = 2, 1
"""Numbers of the PMTiles specification, version 3."""


def write_pmtiles(path: Path, batches: Iterable[FootprintBatch], title: str) -> None:
    """Write the archive; GDAL's database of pieces lies beside it meanwhile."""
    schema, records = arrow_batches(batches, multi=True)
    first = next((record for record in records if record.num_rows), None)
    if first is None:
        path.write_bytes(_empty_archive(title, schema.names))
        return
    options = {"NAME": title, "MINZOOM": ZOOMS[0], "MAXZOOM": ZOOMS[1], "MAX_SIZE": NO_LIMIT, "MAX_FEATURES": NO_LIMIT}
    write_tiles(path, schema, chain([first], records), {name: str(value) for name, value in options.items()})


def _empty_archive(title: str, columns: list[str]) -> bytes:
    """Return an archive without tiles, which GDAL does not write."""
    fields = dict.fromkeys(columns[:-1], "String")
    layer = {"id": LAYER, "fields": fields, "minzoom": ZOOMS[0], "maxzoom": ZOOMS[1]}
    directory = gzip.compress(b"\0", mtime=0)
    metadata = gzip.compress(json.dumps({"name": title, "vector_layers": [layer]}).encode(), mtime=0)
    end = HEADER_BYTES + len(directory) + len(metadata)
    sections = (HEADER_BYTES, len(directory), HEADER_BYTES + len(directory), len(metadata), end, 0, end, 0)
    header = b"PMTiles\x03" + struct.pack("<8Q3Q", *sections, 0, 0, 0)
    header += struct.pack("<6B", 1, GZIP, GZIP, MVT, *ZOOMS)
    header += struct.pack("<4iB2i", -1_800_000_000, -850_000_000, 1_800_000_000, 850_000_000, ZOOMS[0], 0, 0)
    return header + directory + metadata
