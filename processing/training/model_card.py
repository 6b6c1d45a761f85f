"""The model card that lies beside the weights. Needs onnx.

Field names follow the STAC Machine Learning Model extension.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx

from processing.errors import WeightsInvalid
from processing.expectations import kept_threshold

MLM_SCHEMA = "https://stac-extensions.github.io/mlm/v1.4.0/schema.json"
SOURCES = Path(__file__).with_name("sources.toml")
CARRIED_OVER = ("mlm:hyperparameters", "training", "license", "notes")
"""What a card keeps when its weights are calibrated again."""


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """How weights were trained, as a checkpoint tells."""

    recipe: Mapping[str, Any]
    recipe_sha256: str
    data: Mapping[str, Mapping[str, Any]]
    steps: int
    elapsed_s: float
    started_from_sha256: str | None
    torch_version: str


def build_card(
    weights: Path, evaluation: Mapping[str, Any], known: Mapping[str, Any], notes: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the card as plain JSON values.

    evaluation: the report on validation data, with the calibration. known: an earlier card, or what
    `describe_training` gives. notes: where these weights stand, in sentences; none: those of the earlier card.
    Raises `WeightsInvalid`.
    """
    model = onnx.load(str(weights))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    try:
        window_px = int(metadata["window_px"])
        gsd = {name: float(metadata[f"gsd_{name}_m"]) for name in ("min", "max", "working")}
        gsd["enlarged"] = float(metadata.get("gsd_enlarged_m", gsd["working"]))
    except (KeyError, ValueError) as error:
        raise WeightsInvalid(name=weights.name, detail=f"its metadata lack a usable {error.args[0]}") from error
    card = {
        "stac_extensions": [MLM_SCHEMA],
        "mlm:name": metadata.get("name", weights.stem),
        "version": metadata.get("version", ""),
        "mlm:architecture": "Mask R-CNN",
        "mlm:tasks": ["object-detection", "instance-segmentation"],
        "mlm:framework": "ONNX",
        "mlm:total_parameters": _count_values(model),
        "mlm:pretrained": True,
        "mlm:pretrained_source": "EfficientNet-Lite0, ImageNet (trunk only, Apache-2.0)",
        "mlm:batch_size_suggestion": 1,
        "mlm:input": [_input(window_px)],
        "mlm:output": _outputs(),
        "file:size": weights.stat().st_size,
        "file:checksum_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "gsd": gsd,
        "recommended_min_confidence": kept_threshold(evaluation.get("expected", ())) or evaluation["threshold"],
        "license": "see training.sources",
        "training": {},
    }
    card |= {name: known[name] for name in CARRIED_OVER if name in known}
    return card | {"evaluation": dict(evaluation)} | ({"notes": list(notes)} if notes else {})


def describe_training(facts: TrainingFacts) -> dict[str, Any]:
    """Return the parts of a card that tell how the weights came about."""
    crops = facts.steps * int(facts.recipe.get("batch_size", 0))
    return {
        "mlm:hyperparameters": dict(facts.recipe),
        "training": {
            "recipe_sha256": facts.recipe_sha256,
            "started_from_sha256": facts.started_from_sha256,
            "steps": facts.steps,
            "crops": crops,
            "hours": round(facts.elapsed_s / 3600, 2),
            "crops_per_s": round(crops / facts.elapsed_s, 2) if facts.elapsed_s else None,
            "torch": facts.torch_version,
            "sources": _describe_sources(facts.data),
        },
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
    """Count what is trained: everything in half precision, and single precision that belongs to the network."""
    trained = [weight for weight in model.graph.initializer if weight.name.startswith("network.")]
    return int(sum(onnx.numpy_helper.to_array(weight).size for weight in trained))


def _describe_sources(manifest: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    known = tomllib.loads(SOURCES.read_text(encoding="utf-8"))
    return {name: {**known.get(name, {"licence": "not stated"}), **entry} for name, entry in manifest.items()}
