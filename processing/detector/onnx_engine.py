"""Run weights in ONNX form, on the CPU or on CUDA where ONNX Runtime offers it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from processing.detector.card_metadata import card_of
from processing.detector.protocol import DetectorCard, RawDetections
from processing.errors import DeviceUnavailable, WeightsInvalid

INPUT, OUTPUTS = "image", ("boxes", "scores", "masks")


class OnnxDetector:
    """A detector whose network takes `image` (1, 3, S, S) float32 in [0, 1] and returns boxes, scores and masks.

    boxes: (K, 4) in window pixels; scores: (K,); masks: (K, M, M) in [0, 1]. Normalisation is inside the graph, and
    the metadata of the file fill the card.
    """

    def __init__(self, path: Path, device: str = "auto") -> None:
        """Load weights. Raises `WeightsInvalid` and `DeviceUnavailable`."""
        providers = _providers(device)
        if not path.is_file():
            raise WeightsInvalid(name=path.name, detail="there is no such file.")
        try:
            self._session = ort.InferenceSession(path, _options(), providers=providers)
        except Exception as error:  # ONNX Runtime raises kinds that it does not export
            raise WeightsInvalid(name=path.name, detail="ONNX Runtime cannot load it.") from error
        self._card = _read_card(self._session, path)

    @property
    def card(self) -> DetectorCard:
        """What the pipeline must know of the weights."""
        return self._card

    @property
    def device(self) -> str:
        """Where it runs: cpu or cuda."""
        return "cuda" if "CUDAExecutionProvider" in self._session.get_providers() else "cpu"

    @property
    def batch_windows(self) -> int:
        """The exported graph takes one window."""
        return 1

    def detect(self, images: NDArray[np.uint8]) -> list[RawDetections]:
        """Find buildings in windows.

        images: (N, S, S, 3) uint8 RGB. Returns one `RawDetections` for each; windows never influence each other.
        """
        return [self._detect_one(image) for image in images]

    def _detect_one(self, image: NDArray[np.uint8]) -> RawDetections:
        planes = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32)[None]
        planes *= np.float32(1 / 255)
        boxes, scores, masks = self._session.run(list(OUTPUTS), {INPUT: planes})
        masks = masks.reshape(len(scores), *masks.shape[-2:])
        return RawDetections(boxes=boxes, scores=scores, masks=masks)


def _options() -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # The number of detections differs from window to window: remembered patterns of memory would only pile up.
    options.enable_mem_pattern = False
    return options


def _providers(device: str) -> list[str]:
    has_cuda = "CUDAExecutionProvider" in ort.get_available_providers()
    if device == "cuda" and not has_cuda:
        raise DeviceUnavailable(device=device, detail="this ONNX Runtime has no CUDA provider")
    if device in ("auto", "cuda") and has_cuda:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]
    return ["CPUExecutionProvider"]


def _read_card(session: ort.InferenceSession, path: Path) -> DetectorCard:
    metadata = session.get_modelmeta().custom_metadata_map
    inputs = [node.name for node in session.get_inputs()]
    outputs = {node.name for node in session.get_outputs()}
    if inputs != [INPUT] or not outputs >= set(OUTPUTS):
        raise WeightsInvalid(name=path.name, detail=f"its inputs and outputs are not {INPUT} and {', '.join(OUTPUTS)}.")
    return card_of(metadata, path)
