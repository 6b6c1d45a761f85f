"""Look for any imagery at all in a raster whose samples held none, without reading what was never written."""

import time
from collections.abc import Iterator

from rasterio.windows import Window

from processing.bands import BandLayout, read_pixels
from processing.raster_file import Dataset

SEARCH_S = 5.0
"""Of processor time. A sparse file of a few bytes may announce more blocks than could be read in a day."""


def any_valid(dataset: Dataset, layout: BandLayout) -> bool:
    """Tell whether some block holds imagery; what is not found within `SEARCH_S` is not there."""
    began_s = time.process_time()
    may_skip = dataset.driver == "GTiff" and not layout.has_mask
    for column, row, window in _blocks(dataset, layout):
        if time.process_time() - began_s > SEARCH_S:
            return False
        # A block that is not in the file reads as nodata, or as nothing of the alpha band.
        if may_skip and not _is_written(dataset, layout, column, row):
            continue
        if read_pixels(dataset, layout, window)[1].any():
            return True
    return False


def _blocks(dataset: Dataset, layout: BandLayout) -> Iterator[tuple[int, int, Window]]:
    for (row, column), window in dataset.block_windows(layout.rgb_bands[0]):
        yield column, row, window


def _is_written(dataset: Dataset, layout: BandLayout, column: int, row: int) -> bool:
    bands = {*layout.rgb_bands, *([layout.alpha_band] if layout.alpha_band else [])}
    offsets = (dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=band) for band in bands)
    return any(offset and int(offset) for offset in offsets)
