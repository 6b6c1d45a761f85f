"""Find weights by name or path and load the engine that runs them."""

from pathlib import Path

from processing.detector.engines import open_engine
from processing.detector.protocol import Detector
from processing.errors import ParameterInvalid, WeightsInvalid
from processing.params import DEVICES

WEIGHTS_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "weights"
SUFFIX = ".onnx"


def weights_path(weights: str) -> Path:
    """Return the file of a registered name ("default") or of a path that ends in .onnx.

    Raises `WeightsInvalid` for anything else.
    """
    if weights.endswith(SUFFIX):
        return Path(weights)
    path = WEIGHTS_FOLDER / f"{weights}{SUFFIX}"
    if path.parent != WEIGHTS_FOLDER or not path.is_file():
        known = ", ".join(sorted(file.stem for file in WEIGHTS_FOLDER.glob(f"*{SUFFIX}"))) or "none"
        raise WeightsInvalid(name=weights, detail=f"no weights of that name are installed (installed: {known}).")
    return path


def load_detector(weights: str = "default", device: str = "auto") -> Detector:
    """Load weights by name or path for `auto`, `cpu` or `cuda`.

    Raises `WeightsInvalid`, `DeviceUnavailable`, `ParameterInvalid`.
    """
    if device not in DEVICES:
        raise ParameterInvalid(parameter="device", value=device, rule=f"it must be one of {', '.join(DEVICES)}")
    return open_engine(weights_path(weights), device)
