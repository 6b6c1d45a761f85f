"""Pick the engine that runs a file of weights: torch where it has CUDA, else ONNX Runtime."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from processing.detector.onnx_engine import OnnxDetector
from processing.detector.protocol import Detector
from processing.errors import WeightsInvalid

TORCH_SUFFIX = ".safetensors"
TORCH_ENGINE = "processing.detector.torch_engine"
NEEDED_BY_TORCH = ("torch", "torchvision", "safetensors")


class _TorchEngine(Protocol):
    def TorchDetector(self, path: Path, device: str) -> Detector: ...  # the module


def open_engine(path: Path, device: str = "auto") -> Detector:
    """Load weights with the engine that suits the file and the device (`auto`, `cpu`, `cuda`).

    A safetensors file runs with torch. An ONNX file runs with torch too where a safetensors file of the same name lies
    beside it, torch is installed and has CUDA, and the CPU is not asked for; everywhere else with ONNX Runtime.
    Raises `WeightsInvalid` and `DeviceUnavailable`.
    """
    if path.suffix == TORCH_SUFFIX:
        return _torch_engine(path).TorchDetector(path, device)
    beside = path.with_suffix(TORCH_SUFFIX)
    if device != "cpu" and beside.is_file() and _torch_is_installed() and _torch_has_cuda():
        return _torch_engine(beside).TorchDetector(beside, "cuda")
    return OnnxDetector(path, device)


def _torch_engine(path: Path) -> _TorchEngine:
    if not _torch_is_installed():
        raise WeightsInvalid(name=path.name, detail=f"it needs {', '.join(NEEDED_BY_TORCH)}, which are not installed.")
    # By name: the program itself must run, and be checked, without torch.
    return cast(_TorchEngine, import_module(TORCH_ENGINE))


def _torch_is_installed() -> bool:
    return all(find_spec(name) is not None for name in NEEDED_BY_TORCH)


def _torch_has_cuda() -> bool:
    return bool(import_module("torch").cuda.is_available())
