"""Weights for the torch engine: a safetensors file in half precision, with the same metadata as the ONNX file.

Needs torch and safetensors.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from processing.detector.card_metadata import ExportMetadata
from processing.detector.network import BuildingNetwork
from processing.errors import WeightsInvalid

SUFFIX = ".safetensors"
SCORE_EDGE = 1e-6
"""Scores are kept this far from 0 and 1 where their logit is taken."""


def write_weights(network: BuildingNetwork, metadata: ExportMetadata, path: Path) -> None:
    """Write `path` whole or not at all. The network's own weights are rounded to half precision, as they are stored."""
    network.half()
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    part = path.with_name(f"{path.name}.part")
    save_file(state, part, metadata=metadata.to_properties())
    part.chmod(0o644)  # safetensors makes files for their owner alone
    part.replace(path)
    network.float()


def read_weights(path: Path) -> tuple[BuildingNetwork, dict[str, str]]:
    """Return the network on the CPU in single precision, ready for inference, and the file's metadata.

    Raises `WeightsInvalid`.
    """
    if not path.is_file():
        raise WeightsInvalid(name=path.name, detail="there is no such file.")
    network = BuildingNetwork()
    try:
        with safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118  # it is no mapping
            metadata = file.metadata() or {}
        network.load_state_dict(state)
    except (OSError, SafetensorError) as error:
        raise WeightsInvalid(name=path.name, detail="it is no whole safetensors file.") from error
    except RuntimeError as error:
        raise WeightsInvalid(name=path.name, detail="its tensors are not those of the network.") from error
    return network.eval().requires_grad_(False), metadata


def calibrated(scores: torch.Tensor, gain: float, shift: float) -> torch.Tensor:
    """Turn scores in [0, 1] into confidence: sigmoid(gain · logit(score) + shift)."""
    return torch.sigmoid(gain * torch.logit(scores, SCORE_EDGE) + shift)
