"""A real detector for made-up scenes: it finds bright regions on dark ground, exactly."""

import cv2
import numpy as np

from processing.detector.protocol import DetectorCard, RawDetections

CARD = DetectorCard(
    name="bright-roofs",
    window_px=512,
    stride_px=384,
    gsd_min_m=0.05,
    gsd_max_m=1.5,
    gsd_working_m=0.3,
    weights_sha256="b" * 64,
)
MASK_PX = 28
BRIGHT_ABOVE = 127


class BrightRoofs:
    """Every bright region is a building; counts the windows that it was shown."""

    def __init__(self, card: DetectorCard = CARD, batch_windows: int = 1) -> None:
        self._card = card
        self.batch_windows = batch_windows
        self.windows_seen = 0

    @property
    def card(self) -> DetectorCard:
        return self._card

    def detect(self, images):
        self.windows_seen += len(images)
        return [self._detect_one(image) for image in images]

    def _detect_one(self, image):
        bright = (image.min(axis=2) > BRIGHT_ABOVE).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
        boxes, scores, masks = [], [], []
        for label in range(1, count):
            x, y, width, height, _ = stats[label]
            inside = labels[y : y + height, x : x + width] == label
            boxes.append((x, y, x + width, y + height))
            # The darkest pixel decides the score, so that tests can paint buildings of a known confidence.
            scores.append(float(image[y : y + height, x : x + width][inside].min()) / 255.0)
            masks.append(_shrink(inside.astype(np.float32)))
        return RawDetections(
            boxes=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.array(scores, np.float32),
            masks=np.array(masks, np.float32).reshape(-1, MASK_PX, MASK_PX),
        )


def _shrink(region):
    """Average (H, W) over the cells of the mask."""
    return _shares(region.shape[0]) @ region @ _shares(region.shape[1]).T


def _shares(length):
    """Return (MASK_PX, length): the share of each cell that each pixel covers."""
    edges = np.linspace(0, length, MASK_PX + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixels = np.arange(length)
    covered = np.clip(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0, None)
    return (covered / (high - low)).astype(np.float32)
