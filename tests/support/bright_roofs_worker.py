"""The real worker with a detector of our own in place of the weights: `-A tests.support.bright_roofs_worker:app`.

The file that `TEST_WINDOW_FILE` names holds the seconds that a window takes, or `IMPORTED_ROWS` rows of a file. A scene
that holds a pixel of exactly `POISON` kills the worker's process at once, as a crash in native code would; one of
`HUNGER` takes more and more memory, as a decoder does that believes a header.
"""

import os
import signal
import time
from pathlib import Path

from processing.detector.protocol import DetectorCard
from tests.processing.bright_roofs import BrightRoofs
from webapp import worker
from webapp.tasks import importing
from webapp.worker import app

__all__ = ["app"]

POISON, HUNGER = 254, 253
HUNGER_STEP_BYTES, HUNGER_MAX_BYTES = 32 * 2**20, 3 * 2**30
"""It ends by itself before it would hurt the machine of a developer whose worker has no limit."""
IMPORTED_ROWS = 20
WINDOW_FILE = Path(os.environ["TEST_WINDOW_FILE"])
CARD = DetectorCard(
    name="slow-bright-roofs",
    window_px=128,
    stride_px=64,
    gsd_min_m=0.05,
    gsd_max_m=1.5,
    gsd_working_m=0.3,
    weights_sha256="c" * 64,
)


class SlowBrightRoofs(BrightRoofs):
    def detect(self, images):
        if (images == POISON).any():
            os.kill(os.getpid(), signal.SIGKILL)
        if (images == HUNGER).any():
            _eat()
        time.sleep(float(WINDOW_FILE.read_text()) * len(images))
        return super().detect(images)


def _eat() -> None:
    eaten: list[bytes] = []
    for step in range(HUNGER_MAX_BYTES // HUNGER_STEP_BYTES):
        eaten.append(bytes([step % 255 + 1]) * HUNGER_STEP_BYTES)
        time.sleep(0.02)


def save_slowly(*arguments):
    time.sleep(float(WINDOW_FILE.read_text()))
    return save_batch(*arguments)


save_batch = importing.save_batch
importing.BATCH_ROWS, importing.save_batch = IMPORTED_ROWS, save_slowly
worker._detector = lambda weights: SlowBrightRoofs(CARD)
