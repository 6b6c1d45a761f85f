"""Weights for the torch engine, with what they say of themselves. Needs torch and safetensors."""

from pathlib import Path

import torch
from safetensors import safe_open

from processing.detector.network import BuildingNetwork
from processing.detector.weights_file import load_state
from processing.errors import WeightsInvalid

SCORE_EDGE = 1e-6
"""Scores are kept this far from 0 and 1 where their logit is taken."""


def read_weights(path: Path) -> tuple[BuildingNetwork, dict[str, str]]:
    """Return the network on the CPU in single precision, ready for inference, and the safetensors file's metadata.

    Raises `WeightsInvalid`.
    """
    network = BuildingNetwork()
    try:
        network.load_weights(load_state(path))
    except RuntimeError as error:
        raise WeightsInvalid(name=path.name, detail="its tensors are not those of the network.") from error
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata() or {})
    return network.eval().requires_grad_(False), metadata


def calibrated(scores: torch.Tensor, gain: float, shift: float) -> torch.Tensor:
    """Turn scores in [0, 1] into confidence: sigmoid(gain · logit(score) + shift)."""
    return torch.sigmoid(gain * torch.logit(scores, SCORE_EDGE) + shift)
