"""The detections of one part as arrays, and as bytes that a later run can take up again."""

import io
import zlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from processing.detector.protocol import RawDetections

FORMAT = b"BFD1"
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class PartDetections:
    """What the network found in the windows of one part.

    windows: (N, 2) int64, column and row of the window of each detection. boxes: (N, 4) float32 in window pixels.
    scores: (N,) float32. masks: (N, M, M) uint8, probability in 255ths over the box.
    """

    windows: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    masks: NDArray[np.uint8]

    @classmethod
    def gather(cls, found: list[tuple[tuple[int, int], RawDetections]], min_confidence: float) -> Self:
        """Keep the detections that are sure enough, window by window."""
        rows = [(window, raw, raw.scores >= min_confidence) for window, raw in found]
        rows = [(window, raw, keep) for window, raw, keep in rows if keep.any()]
        if not rows:
            return cls(
                np.zeros((0, 2), np.int64),
                np.zeros((0, 4), np.float32),
                np.zeros(0, np.float32),
                np.zeros((0, 1, 1), np.uint8),
            )
        return cls(
            windows=np.concatenate(
                [np.tile(np.array(window, np.int64), (int(keep.sum()), 1)) for window, _, keep in rows]
            ),
            boxes=np.concatenate([raw.boxes[keep] for _, raw, keep in rows]).astype(np.float32),
            scores=np.concatenate([raw.scores[keep] for _, raw, keep in rows]).astype(np.float32),
            masks=np.concatenate([np.rint(raw.masks[keep] * 255.0) for _, raw, keep in rows]).astype(np.uint8),
        )

    def to_bytes(self, key: bytes) -> bytes:
        """Pack without pickle. `key` (16 bytes) names the weights and the grid that the detections belong to."""
        buffer = io.BytesIO()
        for array in (self.windows, self.boxes, self.scores, self.masks):
            np.save(buffer, array, allow_pickle=False)
        return FORMAT + key + zlib.compress(buffer.getvalue(), level=1)

    @classmethod
    def from_bytes(cls, payload: bytes, key: bytes) -> Self | None:
        """Unpack; None when the bytes are damaged or belong to other weights or another grid."""
        start = len(FORMAT) + KEY_BYTES
        if payload[:start] != FORMAT + key:
            return None
        try:
            buffer = io.BytesIO(zlib.decompress(payload[start:]))
            windows, boxes, scores, masks = (np.load(buffer, allow_pickle=False) for _ in range(4))
        except (zlib.error, ValueError, EOFError, OSError):
            return None
        return cls(windows, boxes, scores, masks)
