"""Load the engine that runs weights, by name or path, alone or several as one detector."""

from pathlib import Path

from processing.detector.catalogue import SUFFIX, WEIGHTS_FOLDER, Catalogue, member_names
from processing.detector.engines import open_engine
from processing.detector.ensemble import EnsembleDetector
from processing.detector.protocol import Detector
from processing.errors import ParameterInvalid
from processing.params import DEVICES

__all__ = ["WEIGHTS_FOLDER", "load_detector", "weights_path"]
SHIPPED = Catalogue()


def weights_path(weights: str, catalogue: Catalogue = SHIPPED) -> Path:
    """Return the file of a registered name ("default") or of a path that ends in .onnx.

    Raises `WeightsUnknown` for anything else.
    """
    return Path(weights) if weights.endswith(SUFFIX) else catalogue.path_of(weights)


def load_detector(weights: str = "default", device: str = "auto", catalogue: Catalogue = SHIPPED) -> Detector:
    """Load weights by name or path for `auto`, `cpu` or `cuda`; names joined by `+` work as one detector.

    Raises `WeightsUnknown`, `WeightsInvalid`, `EnsembleInvalid`, `DeviceUnavailable`, `ParameterInvalid`.
    """
    if device not in DEVICES:
        raise ParameterInvalid(parameter="device", value=device, rule=f"it must be one of {', '.join(DEVICES)}")
    names = [weights] if Path(weights).is_file() else member_names(weights)
    members = [open_engine(weights_path(name, catalogue), device) for name in names]
    return members[0] if len(members) == 1 else EnsembleDetector(members)
