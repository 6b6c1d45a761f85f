"""The working grid and its windows, anchored in the world so that every extent of a scene gets the same windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from processing.detector.protocol import DetectorCard
from processing.errors import PixelSizeTooLarge, PixelSizeTooSmall
from processing.params import ExtractionParams
from processing.rects import Rect
from processing.scene import SceneInfo
from processing.working_scale import WorkingScale

UNLIKELY_PHASE = 0.381966
"""Where the world's pixel lattice is cut to whole pixels. Halves, thirds and tenths are common in real
geotransforms, and rounding errors must not decide between two neighbours there."""


@dataclass(frozen=True, slots=True)
class WorkingAxis:
    """One axis of the working grid: native pixels pooled by `pool`, or repeated `up` times. One of the two is 1."""

    pool: int
    up: int
    origin_px: int
    """World coordinate, in native pixels, of the scene's first native pixel."""
    length_px: int
    """Native pixels of the scene along this axis."""
    gsd_m: float
    """Ground sampling distance of a working pixel."""

    @property
    def extent(self) -> tuple[int, int]:
        """First and last+1 working pixel of the world that the scene touches."""
        last = (self.origin_px + self.length_px) * self.up
        return self.origin_px * self.up // self.pool, -(-last // self.pool)

    def to_native(self, working: NDArray[np.float64]) -> NDArray[np.float64]:
        """Turn world working coordinates into the scene's native pixel coordinates."""
        return working * (self.pool / self.up) - self.origin_px


@dataclass(frozen=True, slots=True)
class WorkingGrid:
    """The plane that the detector sees. Coordinates are whole working pixels counted from the origin of the CRS."""

    x: WorkingAxis
    y: WorkingAxis
    window_px: int
    stride_px: int

    @property
    def overlap_px(self) -> int:
        """Pixels that neighbouring windows share."""
        return self.window_px - self.stride_px

    @property
    def aspect(self) -> float:
        """Ground height of a working pixel over its ground width; 1 where the difference could not be seen."""
        ratio = self.y.gsd_m / self.x.gsd_m
        return 1.0 if abs(ratio - 1.0) < 0.02 else round(ratio, 3)

    def window_rect(self, column: int, row: int) -> Rect:
        """Return the working pixels that one window covers."""
        x0, y0 = column * self.stride_px, row * self.stride_px
        return x0, y0, x0 + self.window_px, y0 + self.window_px

    def windows_meeting(self, rect: Rect) -> Iterator[tuple[int, int]]:
        """Give the (column, row) of every window whose pixels meet `rect`."""
        for row in _range_meeting(rect[1], rect[3], self.window_px, self.stride_px):
            for column in _range_meeting(rect[0], rect[2], self.window_px, self.stride_px):
                yield column, row

    def scene_windows(self) -> NDArray[np.int64]:
        """Return (N, 2) columns and rows, row-major, of the windows whose core meets the scene.

        Cores are windows less half the overlap on every side: they tile the plane, so that every pixel of the scene
        lies well inside some window and no window is asked that another one answers better.
        """
        columns = self._cores_meeting(*self.x.extent)
        rows = self._cores_meeting(*self.y.extent)
        grid = np.meshgrid(columns, rows)
        return np.column_stack([grid[0].ravel(), grid[1].ravel()])

    def owner_of(self, rect: Rect) -> tuple[int, int]:
        """Return the (column, row) of the window in whose core the middle of `rect` lies: it sees `rect` deepest."""
        half = self.overlap_px // 2
        middle_x, middle_y = (rect[0] + rect[2]) // 2, (rect[1] + rect[3]) // 2
        return (middle_x - half) // self.stride_px, (middle_y - half) // self.stride_px

    def _cores_meeting(self, first: int, last: int) -> NDArray[np.int64]:
        half = self.overlap_px // 2
        return np.arange((first - half) // self.stride_px, (last - 1 - half) // self.stride_px + 1)


def _range_meeting(low: int, high: int, window_px: int, stride_px: int) -> range:
    return range((low - window_px) // stride_px + 1, -(-high // stride_px))


@dataclass(frozen=True, slots=True)
class Part:
    """A block of windows that is read, inferred and saved together."""

    index: int
    windows: NDArray[np.int64]
    """(N, 2) columns and rows."""


def working_grid(info: SceneInfo, card: DetectorCard, params: ExtractionParams) -> WorkingGrid:
    """Choose the whole factors that bring the scene nearest to the detector's working resolution.

    Raises `PixelSizeTooLarge` or `PixelSizeTooSmall` when the detector cannot work at the scene's resolution.
    """
    scale = params.gsd_m / info.gsd_m if params.gsd_m else 1.0
    gsd_m = info.gsd_m * scale
    if gsd_m > card.gsd_max_m:
        raise PixelSizeTooLarge(name=info.name, gsd_m=gsd_m, gsd_max_m=card.gsd_max_m)
    if gsd_m < card.gsd_min_m:
        raise PixelSizeTooSmall(name=info.name, gsd_m=gsd_m, gsd_min_m=card.gsd_min_m)
    to_pixel = ~info.pixel_to_crs
    world_x, world_y = to_pixel @ (0.0, 0.0)
    return WorkingGrid(
        x=_axis(info.gsd_x_m * scale, card.scale, world_x, info.width_px),
        y=_axis(info.gsd_y_m * scale, card.scale, world_y, info.height_px),
        window_px=card.window_px,
        stride_px=card.stride_px,
    )


def _axis(gsd_m: float, scale: WorkingScale, world_origin: float, length_px: int) -> WorkingAxis:
    pool, up = scale.factors(gsd_m)
    return WorkingAxis(pool, up, floor(-world_origin + UNLIKELY_PHASE), length_px, gsd_m * pool / up)


def parts_of(windows: NDArray[np.int64], grid: WorkingGrid, block_px: int) -> tuple[Part, ...]:
    """Group windows into blocks of about `block_px` working pixels a side, in row-major order.

    windows: (N, 2) columns and rows.
    """
    if not len(windows):
        return ()
    side = max(1, (block_px - grid.overlap_px) // grid.stride_px)
    blocks = (windows - windows.min(axis=0)) // side
    order = np.lexsort((windows[:, 0], windows[:, 1], blocks[:, 0], blocks[:, 1]))
    ordered = blocks[order]
    starts = np.flatnonzero(np.any(ordered[1:] != ordered[:-1], axis=1)) + 1
    return tuple(Part(index, chunk) for index, chunk in enumerate(np.split(windows[order], starts)))
