"""`./run bench seams`: one piece of ground extracted under other extents, blocks, workers and window grids.

*extent*: a crop, another size of block, a run taken up by another worker. Windows are anchored in the world, so that
the same windows see the same pixels; those that a crop cuts see black where the whole scene goes on. *grid*: the same
pixels under a geotransform that is shifted, which moves every seam; by half a window the network's own strides stay
where they were, by odd pixels they move too.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import shapely
from rasterio.windows import Window

from benchmarks.report import OURS, Row, publish, read_options, row_of
from benchmarks.seam_cases import Agreement, Extracted, compare, extracted, plan_of, run, write_crop
from processing.detector.protocol import Detector
from processing.detector.registry import load_detector

SHARED_SCENE = Path(__file__).resolve().parents[2] / "shared" / "data" / "scenes" / "banepa.tif"
WHOLE = Window(2048, 1792, 4096, 2400)
QUICK = Window(2560, 2304, 3072, 1200)
EXTENT_IOU, GRID_IOU = 0.99, 0.90
ODD_PX = (131, 77)
CROPPED_PX, MARGIN_PX = 701, 100
"""Native pixels: what the crop leaves away at the left; how far from the scene's edge buildings are compared."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The piece of ground, and what was found there under the scene's own windows."""

    source: Path
    area: Window
    folder: Path
    detector: Detector

    def crop(self, name: str, area: Window, shift_px: tuple[int, int] = (0, 0)) -> Path:
        """Write a piece of the scene for this run."""
        return write_crop(self.source, self.folder / f"{name}.tif", area, shift_px)

    def inside(self, from_left_px: int = 0) -> shapely.Geometry:
        """Return the interior, less a margin, right of a column, in the ground's native pixels."""
        margin = MARGIN_PX
        return shapely.box(from_left_px + margin, margin, self.area.width - margin, self.area.height - margin)


def main(arguments: Sequence[str] = ()) -> int:
    """Run all cases and print how far each agrees."""
    options = read_options("seams", arguments)
    if not SHARED_SCENE.is_file():
        print("skipped: the scene of the shared data is not here")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(SHARED_SCENE, QUICK if options.quick else WHOLE, Path(folder), load_detector("default", "cpu"))
        rows = measure(ground)
    publish("seams", rows, options.json)
    return 0


def measure(ground: Ground) -> list[Row]:
    """Return the rows of all cases."""
    scene = ground.crop("whole", ground.area)
    plan = plan_of(scene, ground.detector)
    results = run(scene, plan, ground.detector)
    found = extracted(scene, plan, results, (0, 0))
    blocks = plan_of(scene, ground.detector, window_px=900)
    in_blocks = run(scene, blocks, ground.detector)
    half_done = {result.part: result.payload for result in in_blocks[::2]}
    again = run(scene, blocks, ground.detector, completed=half_done)
    rows = case_rows(
        "extent: blocks of 900 px", compare(found, extracted(scene, blocks, in_blocks, (0, 0)), EXTENT_IOU)
    )
    rows += case_rows("extent: another worker", compare(found, extracted(scene, blocks, again, (0, 0)), EXTENT_IOU))
    rows += extent_of_a_crop(ground, found)
    half = plan.grid.window_px // 2 * plan.grid.x.pool
    for name, shift_px in (("half a window", (half, half)), ("odd pixels", ODD_PX)):
        moved = ground.crop("moved", ground.area, shift_px)
        moved_plan = plan_of(moved, ground.detector)
        other = extracted(moved, moved_plan, run(moved, moved_plan, ground.detector), (0, 0))
        for iou_min in (GRID_IOU, 0.5):
            pair = found.within(ground.inside()), other.within(ground.inside())
            rows += case_rows(f"grid: {name}, IoU {iou_min:.2f}", compare(*pair, iou_min))
    return rows


def extent_of_a_crop(ground: Ground, found: Extracted) -> list[Row]:
    """Leave the left away and compare the rest: from the cut on, and where windows see the same pixels."""
    area = ground.area
    kept = Window(area.col_off + CROPPED_PX, area.row_off, area.width - CROPPED_PX, area.height)
    scene = ground.crop("crop", kept)
    plan = plan_of(scene, ground.detector)
    other = extracted(scene, plan, run(scene, plan, ground.detector), (CROPPED_PX, 0))
    rows = []
    for name, from_cut in (("from the cut on", 0.0), ("half a window off", 0.5), ("a window off", 1.0)):
        region = ground.inside(CROPPED_PX + round(from_cut * plan.grid.window_px * plan.grid.x.pool))
        pair = found.within(region), other.within(region)
        rows += case_rows(f"extent: a crop, {name}", compare(*pair, EXTENT_IOU))
    return rows


def case_rows(case: str, agreement: Agreement) -> list[Row]:
    """Return the rows of one case."""
    values = (
        ("matched", "%", 100 * agreement.matched),
        ("matched, seams", "%", 100 * agreement.matched_at_seams),
        ("matched, other", "%", 100 * agreement.matched_elsewhere),
        ("count", "buildings", agreement.count),
        ("count differs", "%", 100 * agreement.count_difference),
        ("at seams", "buildings", agreement.at_seams),
    )
    return [row_of(OURS, case, metric, unit, [float(value)]) for metric, unit, value in values]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
