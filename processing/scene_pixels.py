"""Read a rectangle of the working grid from a scene: masked, pooled, scaled, in pieces that bound the memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from processing.bands import BandLayout, read_layout, read_pixels
from processing.normalize import to_picture
from processing.raster_file import Dataset, open_raster
from processing.rects import Rect
from processing.resampling import enlarge, pool
from processing.scene import SceneInfo
from processing.windows import WorkingAxis, WorkingGrid

CHUNK_NATIVE_PX = 3_000_000

Values = NDArray[Any]
Valid = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SceneReader:
    """An open scene. Use it within `open_scene`, in one thread."""

    info: SceneInfo
    dataset: Dataset
    layout: BandLayout

    def read_native(self, window: Window, shape: tuple[int, int]) -> tuple[NDArray[np.uint8], Valid]:
        """Read native pixels decimated to `shape` (H, W).

        Returns the picture (H, W, 3) uint8 and valid (H, W) bool. `window` must lie inside the scene.
        """
        values, valid = read_pixels(self.dataset, self.layout, window, shape)
        return to_picture(values, valid, self.info.stretch), valid

    def read_working(self, grid: WorkingGrid, rect: Rect) -> NDArray[np.uint8]:
        """Read a rectangle of the working grid.

        Returns the picture (H, W, 3) uint8; 0 where there is no imagery, also beyond the scene.
        """
        x0, y0, x1, y1 = rect
        picture = np.zeros((y1 - y0, x1 - x0, 3), np.uint8)
        inside_x, inside_y = _clip((x0, x1), grid.x.extent), _clip((y0, y1), grid.y.extent)
        if inside_x[0] >= inside_x[1]:
            return picture
        for low, high in _row_chunks(grid, inside_x, inside_y):
            values, valid = self._working_values(grid, inside_x, (low, high))
            picture[low - y0 : high - y0, inside_x[0] - x0 : inside_x[1] - x0] = to_picture(
                values, valid, self.info.stretch
            )
        return picture

    def _working_values(
        self, grid: WorkingGrid, columns: tuple[int, int], rows: tuple[int, int]
    ) -> tuple[Values, Valid]:
        span_x, span_y = _native_span(grid.x, columns), _native_span(grid.y, rows)
        read_x, read_y = _clip(span_x, (0, grid.x.length_px)), _clip(span_y, (0, grid.y.length_px))
        window = Window(read_x[0], read_y[0], read_x[1] - read_x[0], read_y[1] - read_y[0])
        values, valid = read_pixels(self.dataset, self.layout, window)
        margins = ((read_y[0] - span_y[0], span_y[1] - read_y[1]), (read_x[0] - span_x[0], span_x[1] - read_x[1]))
        if any(any(pair) for pair in margins):
            values, valid = np.pad(values, ((0, 0), *margins), mode="edge"), np.pad(valid, margins)
        values, valid = pool(values, valid, grid.y.pool, grid.x.pool)
        if grid.x.up == grid.y.up == 1:
            return values, valid
        return enlarge(values, valid, (grid.y.up, rows), (grid.x.up, columns))


@contextmanager
def open_scene(path: Path, info: SceneInfo) -> Iterator[SceneReader]:
    """Open a scene that `inspect_scene` accepted; pixels that cannot be decoded raise `RasterUnreadable`."""
    with open_raster(path, name=info.name, allow_vrt=info.driver == "VRT") as dataset:
        yield SceneReader(info, dataset, read_layout(dataset))


def _clip(span: tuple[int, int], limits: tuple[int, int]) -> tuple[int, int]:
    return max(span[0], limits[0]), min(span[1], limits[1])


def _row_chunks(grid: WorkingGrid, columns: tuple[int, int], rows: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Cut rows so that about `CHUNK_NATIVE_PX` native pixels are decoded at once."""
    native_width = max(1, (columns[1] - columns[0]) * grid.x.pool // grid.x.up)
    step = max(1, CHUNK_NATIVE_PX // native_width * grid.y.up // grid.y.pool)
    for low in range(rows[0], rows[1], step):
        yield low, min(low + step, rows[1])


def _native_span(axis: WorkingAxis, working: tuple[int, int]) -> tuple[int, int]:
    """Return the native pixels under a span of working pixels; with one more on each side where they are enlarged."""
    if axis.up == 1:
        return working[0] * axis.pool - axis.origin_px, working[1] * axis.pool - axis.origin_px
    first, last = working[0] // axis.up - 1, -(-working[1] // axis.up) + 1
    return first - axis.origin_px, last - axis.origin_px
