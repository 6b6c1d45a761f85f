"""The real worker with a detector for made-up scenes in place of the weights: `-A tests.browser.town_worker:app`.

`TOWN_WINDOW_S` makes each window take that long, so that there is progress to be seen.
"""

import os
import time

from processing.detector.protocol import DetectorCard
from tests.processing.bright_roofs import BrightRoofs
from webapp import worker
from webapp.worker import app

__all__ = ["app"]

WINDOW_S = float(os.environ["TOWN_WINDOW_S"])
CARD = DetectorCard(
    name="town",
    window_px=128,
    stride_px=64,
    gsd_min_m=0.05,
    gsd_max_m=1.5,
    gsd_working_m=0.3,
    weights_sha256="d" * 64,
)


class UnhurriedRoofs(BrightRoofs):
    def detect(self, images):
        time.sleep(WINDOW_S * len(images))
        return super().detect(images)


worker._detector = lambda weights: UnhurriedRoofs(CARD)
