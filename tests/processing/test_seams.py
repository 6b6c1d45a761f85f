"""Seams on a made town: the same ground under other windows gives the same footprints.

The network here is exact in the middle of a window and errs near its border, as real ones do. `./run bench seams`
measures the shipped weights on a real scene.
"""

import numpy as np
import pytest
from affine import Affine

from benchmarks.seam_cases import compare, extracted, plan_of, run
from processing.detector.protocol import RawDetections
from tests.processing.bright_roofs import BrightRoofs
from tests.processing.made_scenes import UTM_ORIGIN, paint, scattered_roofs, write_scene

SIDE_PX = 1400
ERRS_WITHIN_PX = 24


class ErringNearBorders(BrightRoofs):
    """Misses some roofs near a window's border, stretches others, and sees some that are not there."""

    def _detect_one(self, image):
        exact = super()._detect_one(image)
        boxes, scores = exact.boxes.copy(), exact.scores.copy()
        depth = np.minimum(boxes[:, :2], image.shape[0] - boxes[:, 2:]).min(axis=1)
        erring = (depth < ERRS_WITHIN_PX) & (depth > 0)
        kind = boxes.sum(axis=1).astype(int) % 3
        boxes[erring & (kind == 0), 2:] += 9
        kept = ~(erring & (kind == 1))
        ghost = np.array([[5.0, 5.0, 30.0, 34.0], [480.0, 300.0, 508.0, 330.0]], np.float32)
        return RawDetections(
            boxes=np.concatenate([boxes[kept], ghost]),
            scores=np.concatenate([scores[kept], np.array([0.6, 0.7], np.float32)]),
            masks=np.concatenate([exact.masks[kept], np.ones((2, *exact.masks.shape[1:]), np.float32)]),
        )


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(21)
    return paint((SIDE_PX, SIDE_PX), scattered_roofs(rng, (SIDE_PX, SIDE_PX), 170, side_px=(14, 60)))


def found_under(folder, picture, shift_px):
    path = write_scene(folder / f"{shift_px[0]}.tif", picture, transform=UTM_ORIGIN @ Affine.translation(*shift_px))
    detector = ErringNearBorders()
    plan = plan_of(path, detector)
    return extracted(path, plan, run(path, plan, detector), (0, 0))


def test_moving_every_seam_changes_almost_nothing(tmp_path, picture):
    here = found_under(tmp_path, picture, (0, 0))
    assert len(here.shapes) == pytest.approx(170, abs=3)
    for shift_px in ((256, 256), (131, 77)):
        agreement = compare(here, found_under(tmp_path, picture, shift_px), 0.9)
        assert agreement.matched >= 0.97
        assert agreement.count_difference <= 0.01
        assert agreement.at_seams > 60
        assert agreement.matched_at_seams >= agreement.matched_elsewhere - 0.02
