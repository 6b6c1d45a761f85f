"""Merge made-up detections: `python -m benchmarks.merging_load COUNT` prints one JSON object.

Buildings of realistic sizes stand on a virtual ground that is as long as it must be. Each is seen by every window that
it reaches into, cut where the window ends, with a little noise, so that about two detections in five have a partner in
another window. Windows come row by row, in blocks, as the pipeline hands them over.
"""

import json
import math
import resource
import sys
import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from processing.merging import Merger
from processing.part_detections import PartDetections
from processing.regularization.parameters import RegularizationParams
from processing.views import views_of
from processing.windows import Part, WorkingAxis, WorkingGrid, parts_of

WINDOW_PX, STRIDE_PX, BLOCK_PX, GSD_M = 512, 384, 2048, 0.4
SPACING_PX = 40
"""One building to each square of this side: 39 on a hectare, as in a dense suburb."""
SIDE_PX = (10.0, 34.0)
MASK_PX = 28
VIEWS_OF_ONE = 1.95
"""Detections that come of one building, measured; only used to choose the size of the ground."""


def main(count: int) -> dict[str, float]:
    """Merge about `count` detections; return their number, the buildings, seconds and memory."""
    side_px = math.ceil(math.sqrt(count / VIEWS_OF_ONE) * SPACING_PX)
    axis = WorkingAxis(1, 1, 0, side_px, GSD_M)
    grid = WorkingGrid(axis, axis, WINDOW_PX, STRIDE_PX)
    parts = parts_of(grid.scene_windows(), grid, BLOCK_PX)
    merger = Merger(grid, [part.windows for part in parts], RegularizationParams())
    before_mb = _peak_mb()
    merging_s, detections, buildings, most_waiting = 0.0, 0, 0, 0
    for part, found in made_parts(parts, grid, side_px):
        detections += len(found.scores)
        windows = [(int(column), int(row)) for column, row in part.windows]
        started = time.process_time()
        buildings += len(merger.add(windows, views_of(found, grid)))
        merging_s += time.process_time() - started
        most_waiting = max(most_waiting, merger.waiting)
    memory = {"peak_mb": _peak_mb(), "grown_mb": _peak_mb() - before_mb}
    return {"detections": detections, "buildings": buildings, "seconds": merging_s, "waiting": most_waiting, **memory}


def made_parts(parts: tuple[Part, ...], grid: WorkingGrid, side_px: int) -> Iterator[tuple[Part, PartDetections]]:
    """Give each part with what its windows see."""
    for part in parts:
        seen = [_seen_by(int(column), int(row), grid, side_px) for column, row in part.windows]
        yield (
            part,
            PartDetections(
                windows=np.concatenate([windows for windows, _, _ in seen]),
                boxes=np.concatenate([boxes for _, boxes, _ in seen]),
                scores=np.concatenate([scores for _, _, scores in seen]),
                masks=np.full((sum(len(scores) for _, _, scores in seen), MASK_PX, MASK_PX), 255, np.uint8),
            ),
        )


def _seen_by(
    column: int, row: int, grid: WorkingGrid, side_px: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return windows (N, 2), boxes (N, 4) in window pixels and scores (N,) of one window."""
    x0, y0, x1, y1 = grid.window_rect(column, row)
    last = side_px // SPACING_PX
    squares_x = np.arange(max(x0 // SPACING_PX - 1, 0), min(x1 // SPACING_PX + 1, last))
    squares_y = np.arange(max(y0 // SPACING_PX - 1, 0), min(y1 // SPACING_PX + 1, last))
    square_x, square_y = (values.ravel() for values in np.meshgrid(squares_x, squares_y))
    boxes = _buildings(square_x, square_y) - np.array([x0, y0, x0, y0])
    noise = np.random.default_rng((column + 10) * 1_000_003 + row + 10).normal(0, 0.4, boxes.shape)
    boxes = np.clip(boxes + noise, 0, grid.window_px)
    kept = (boxes[:, 2] - boxes[:, 0] > 2) & (boxes[:, 3] - boxes[:, 1] > 2)
    count = int(kept.sum())
    scores = 0.5 + 0.5 * _fraction(square_x[kept], square_y[kept], 5)
    return np.tile(np.array([column, row], np.int64), (count, 1)), boxes[kept].astype(np.float32), scores


def _buildings(square_x: NDArray[np.int64], square_y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (N, 4): the building of each square, the same for whoever looks; some reach over their neighbours."""
    low, high = SIDE_PX
    width, height, left, top = (_fraction(square_x, square_y, salt).astype(np.float64) for salt in range(4))
    width, height = low + (high - low) * width, low + (high - low) * height
    left, top = square_x * SPACING_PX + left * 12, square_y * SPACING_PX + top * 12
    return np.column_stack([left, top, left + width, top + height])


def _fraction(square_x: NDArray[np.int64], square_y: NDArray[np.int64], salt: int) -> NDArray[np.float32]:
    """Return (N,) in [0, 1): a hash of the square."""
    mixed = (square_x * 73_856_093) ^ (square_y * 19_349_663) ^ (salt * 83_492_791)
    mixed = (mixed ^ (mixed >> 13)) * 1_274_126_177
    return ((mixed ^ (mixed >> 16)) % 65_536 / 65_536).astype(np.float32)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
