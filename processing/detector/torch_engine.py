"""Run weights with torch: on CUDA in batches, channels-last, in bfloat16; on the CPU in single precision."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from processing.detector.card_metadata import card_of
from processing.detector.protocol import DetectorCard, RawDetections
from processing.detector.torch_batches import BatchDetections, BatchNetwork
from processing.detector.torch_weights import calibrated, read_weights
from processing.errors import DeviceUnavailable, WeightsInvalid

CUDA_BATCH_WINDOWS = 25
"""The windows of one block of 2,048 px: more would wait for the next block."""


@dataclass(frozen=True, slots=True)
class TorchOptions:
    """How the torch engine computes. None: what suits the device."""

    batch_windows: int | None = None
    half: bool | None = None
    """bfloat16 where torch's autocast takes it; boxes and scores stay in single precision."""
    compiled: bool = False
    """Compile trunk, pyramid and proposal head, with CUDA graphs. The first batch then takes about a minute."""


class TorchDetector:
    """A detector of the weights in a safetensors file."""

    def __init__(self, path: Path, device: str = "auto", options: TorchOptions | None = None) -> None:
        """Load weights. Raises `WeightsInvalid` and `DeviceUnavailable`."""
        options = options or TorchOptions()
        self._device = _device(device)
        on_cuda = self._device.type == "cuda"
        network, metadata = read_weights(path)
        card = card_of(metadata, path)
        # The ONNX file names the weights, whichever engine runs them: a job's provenance must not depend on the device.
        self._card = replace(card, weights_sha256=metadata.get("onnx_sha256", card.weights_sha256))
        self._gain, self._shift = _calibration(metadata, path)
        self._half = on_cuda if options.half is None else options.half
        self._padded = options.compiled
        self.batch_windows = options.batch_windows or (CUDA_BATCH_WINDOWS if on_cuda else 1)
        placed = network.to(self._device, memory_format=torch.channels_last)
        self._network = BatchNetwork(placed, _compile if options.compiled else None)

    @property
    def card(self) -> DetectorCard:
        """What the pipeline must know of the weights."""
        return self._card

    @property
    def device(self) -> str:
        """Where it runs: cpu or cuda."""
        return str(self._device.type)

    def detect(self, images: NDArray[np.uint8]) -> list[RawDetections]:
        """Find buildings in windows.

        images: (N, S, S, 3) uint8 RGB. Returns one `RawDetections` for each. Only bytes go to the device, and only
        boxes, scores and small masks come back.
        """
        found: list[RawDetections] = []
        for start in range(0, len(images), self.batch_windows):
            found += self._detect_batch(images[start : start + self.batch_windows])
        return found

    def _detect_batch(self, images: NDArray[np.uint8]) -> list[RawDetections]:
        windows = torch.from_numpy(self._filled_up(images))
        if self._device.type == "cuda":
            windows = windows.pin_memory().to(self._device, non_blocking=True)
        with torch.inference_mode(), self._precision():
            batch = self._network.detect(windows)
            scores = calibrated(batch.scores, self._gain, self._shift)
        return _split(batch, scores, len(images))

    def _filled_up(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Fill a last, smaller batch up with black windows where another shape would be compiled anew."""
        missing = self.batch_windows - len(images) if self._padded else 0
        return np.pad(images, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else np.ascontiguousarray(images)

    def _precision(self) -> AbstractContextManager[Any]:
        kind = self._device.type
        precision: AbstractContextManager[Any] = torch.autocast(kind, dtype=torch.bfloat16, enabled=self._half)
        return precision


def _split(batch: BatchDetections, scores: torch.Tensor, windows: int) -> list[RawDetections]:
    arrays = [values.cpu().numpy() for values in (batch.boxes, scores, batch.masks)]
    ends = np.cumsum(batch.counts)[:-1]
    parts = zip(*(np.split(values, ends) for values in arrays), strict=True)
    return [RawDetections(*part) for part in parts][:windows]


def _compile(dense: Any) -> Any:
    return torch.compile(dense, mode="reduce-overhead", dynamic=False)


def _device(device: str) -> torch.device:
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise DeviceUnavailable(device=device, detail="torch sees no CUDA device")
    return torch.device("cuda" if has_cuda and device != "cpu" else "cpu")


def _calibration(metadata: dict[str, str], path: Path) -> tuple[float, float]:
    try:
        return float(metadata["score_gain"]), float(metadata["score_shift"])
    except (KeyError, ValueError) as error:
        raise WeightsInvalid(name=path.name, detail="its metadata lack a usable calibration.") from error
