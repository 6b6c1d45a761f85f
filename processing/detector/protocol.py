"""What a detector is, whichever engine runs it."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from processing.working_scale import WorkingScale


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """What the pipeline must know of a set of weights. Read from the ONNX metadata and the model card."""

    name: str
    window_px: int
    """Side of the square picture that the network takes, in working pixels."""
    stride_px: int
    """Step between windows; `window_px - stride_px` is the overlap of neighbours."""
    gsd_min_m: float
    """Finest ground sampling distance of a scene that is accepted."""
    gsd_max_m: float
    """Coarsest ground sampling distance of a scene that is accepted."""
    gsd_working_m: float
    """The ground sampling distance that finer scenes are averaged to, as near as whole factors allow."""
    weights_sha256: str
    gsd_enlarged_m: float | None = None
    """The ground sampling distance that coarser scenes are enlarged to; None: the same."""

    @property
    def scale(self) -> WorkingScale:
        """The rule that both make."""
        return WorkingScale(self.gsd_working_m, self.gsd_enlarged_m or self.gsd_working_m)


@dataclass(frozen=True, slots=True)
class RawDetections:
    """The detections of one window, as the network gives them.

    boxes: (K, 4) float32, x0 y0 x1 y1 in window pixels. scores: (K,) float32 in [0, 1].
    masks: (K, M, M) float32 in [0, 1], the mask probability over each box.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    masks: NDArray[np.float32]


class Detector(Protocol):
    """One set of weights, loaded once, on one device."""

    @property
    def card(self) -> DetectorCard:
        """What the pipeline must know of the weights."""
        ...

    @property
    def batch_windows(self) -> int:
        """How many windows it likes to get at once; any other number works too."""
        ...

    def detect(self, images: NDArray[np.uint8]) -> list[RawDetections]:
        """Find buildings in windows.

        images: (N, window_px, window_px, 3) uint8, RGB at about `card.gsd_working_m`, 0 where there is no imagery.
        Returns one `RawDetections` for each window.
        """
        ...
