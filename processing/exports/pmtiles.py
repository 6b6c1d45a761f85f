"""PMTiles: vector tiles of zooms 14 and 15 by GDAL, which cuts and packs them; no footprint is left out."""

from collections.abc import Iterable
from pathlib import Path

from processing.exports.arrow_batches import arrow_batches
from processing.exports.batches import FootprintBatch
from processing.exports.ogr_files import write_layer

ZOOMS = (14, 15)
"""At zoom 15 a tile's grid is 0.3 m at the equator; maps draw higher zooms from it. Below 14 a footprint is a dot, and
a tile of a whole city would be too large for a browser."""
NO_LIMIT = 2**31 - 1
"""GDAL thins out tiles of more than 500 kB or 200,000 features if it is not told otherwise."""


def write_pmtiles(path: Path, batches: Iterable[FootprintBatch], title: str) -> None:
    """Write the archive; GDAL's database of pieces lies beside it meanwhile."""
    schema, records = arrow_batches(batches, multi=True)
    options = {"NAME": title, "MINZOOM": ZOOMS[0], "MAXZOOM": ZOOMS[1], "MAX_SIZE": NO_LIMIT, "MAX_FEATURES": NO_LIMIT}
    write_layer(path, "PMTiles", schema, records, dataset_options=options)
