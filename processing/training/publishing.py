"""From a checkpoint to weights in ONNX form, and what the card says of the training. Needs torch and onnx."""

from pathlib import Path
from typing import Any

import torch

from processing.detector.card_metadata import ExportMetadata
from processing.detector.export_onnx import export_onnx
from processing.detector.network import BuildingNetwork
from processing.errors import WeightsInvalid
from processing.training.model_card import TrainingFacts, describe_training
from processing.training.train import start_from


def export_checkpoint(checkpoint: Path, target: Path, name: str, version: str) -> dict[str, Any]:
    """Write the averaged weights as ONNX; return what the checkpoint knows of its training. Raises `WeightsInvalid`."""
    network = BuildingNetwork()
    start_from(network, checkpoint)
    export_onnx(network, ExportMetadata(name, version), target)
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    try:
        facts = TrainingFacts(
            recipe=content.get("recipe", {}),
            recipe_sha256=content["recipe_sha256"],
            data=content.get("data", {}),
            steps=content["step"],
            elapsed_s=content["elapsed_s"],
            started_from_sha256=content.get("started_from_sha256"),
            torch_version=torch.__version__,
        )
    except (KeyError, AttributeError) as error:
        raise WeightsInvalid(name=checkpoint.name, detail="it is no checkpoint of a training run") from error
    return describe_training(facts)
