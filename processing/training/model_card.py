"""Write the model card that is shipped beside the weights. Needs torch.

Field names follow the STAC Machine Learning Model extension. `python -m processing.training.model_card --help` lists
the files that it is made of: weights, checkpoint, cache and the JSON of `processing.training.evaluate`.
"""

import argparse
import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import onnx
import torch

from processing.training.recipe import Recipe, load_recipe

MLM_SCHEMA = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
SOURCES = Path(__file__).with_name("sources.toml")


@dataclass(frozen=True, slots=True)
class CardInputs:
    """What a card is made of. evaluation: the JSON of `processing.training.evaluate`."""

    weights: Path
    recipe: Recipe
    manifest: dict[str, dict[str, Any]]
    steps: int
    elapsed_s: float
    evaluation: dict[str, Any]


def build_card(inputs: CardInputs, notes: list[str]) -> dict[str, Any]:
    """Return the card as plain JSON values. notes: where these weights stand, in sentences."""
    model = onnx.load(str(inputs.weights))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    crops = inputs.steps * inputs.recipe.batch_size
    return {
        "stac_extensions": [MLM_SCHEMA],
        "mlm:name": metadata["name"],
        "version": metadata["version"],
        "mlm:architecture": "Mask R-CNN",
        "mlm:tasks": ["object-detection", "instance-segmentation"],
        "mlm:framework": "ONNX",
        "mlm:total_parameters": _count_values(model),
        "mlm:pretrained": True,
        "mlm:pretrained_source": "EfficientNet-Lite0, ImageNet (trunk only, Apache-2.0)",
        "mlm:batch_size_suggestion": 1,
        "mlm:input": [_input(int(metadata["window_px"]))],
        "mlm:output": _outputs(),
        "mlm:hyperparameters": asdict(inputs.recipe),
        "file:size": inputs.weights.stat().st_size,
        "file:checksum_sha256": hashlib.sha256(inputs.weights.read_bytes()).hexdigest(),
        "gsd": {name: float(metadata[f"gsd_{name}_m"]) for name in ("min", "max", "working")},
        "recommended_min_confidence": inputs.evaluation["threshold"],
        "training": {
            "recipe_sha256": inputs.recipe.digest(),
            "steps": inputs.steps,
            "crops": crops,
            "hours": round(inputs.elapsed_s / 3600, 2),
            "crops_per_s": round(crops / inputs.elapsed_s, 2),
            "torch": torch.__version__,
            "sources": _describe_sources(inputs.manifest),
        },
        "evaluation": inputs.evaluation,
        "notes": notes,
    }


def _input(window_px: int) -> dict[str, Any]:
    return {
        "name": "image",
        "bands": ["red", "green", "blue"],
        "input": {
            "shape": [1, 3, window_px, window_px],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
        "value_scaling": [{"type": "min-max", "minimum": 0, "maximum": 255}],
        "description": "8-bit values divided by 255. The network's own normalisation is part of the graph.",
    }


def _outputs() -> list[dict[str, Any]]:
    shapes = {"boxes": [-1, 4], "scores": [-1], "masks": [-1, 28, 28]}
    return [
        {
            "name": name,
            "tasks": ["instance-segmentation"],
            "result": {"shape": shape, "dim_order": ["detection", "y", "x"][: len(shape)], "data_type": "float32"},
            "classification:classes": [{"value": 1, "name": "building"}],
        }
        for name, shape in shapes.items()
    ]


def _count_values(model: onnx.ModelProto) -> int:
    half = [weight for weight in model.graph.initializer if weight.data_type == onnx.TensorProto.FLOAT16]
    return int(sum(onnx.numpy_helper.to_array(weight).size for weight in half))


def _describe_sources(manifest: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    known = tomllib.loads(SOURCES.read_text(encoding="utf-8"))
    return {name: {**known.get(name, {"licence": "not stated"}), **entry} for name, entry in manifest.items()}


def main() -> None:
    """Gather the inputs of a run and write its card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("recipe.toml"))
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--evaluation", type=Path, required=True)
    parser.add_argument("--note", action="append", default=[])
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    state = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    inputs = CardInputs(
        arguments.weights,
        load_recipe(arguments.config),
        json.loads((arguments.cache / "manifest.json").read_text()),
        state["step"],
        state["elapsed_s"],
        json.loads(arguments.evaluation.read_text()),
    )
    arguments.output.write_text(json.dumps(build_card(inputs, arguments.note), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
