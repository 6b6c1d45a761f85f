"""The recipe of a training run: every choice that shapes the weights, in one frozen dataclass read from TOML."""

import hashlib
import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

SHIPPED = Path(__file__).with_name("recipe.toml")
FINE_TUNING_NAME = "fine-tuning"
MAY_CHANGE = frozenset({"steps", "minutes", "threads", "workers", "checkpoint_minutes"})
"""Choices that a run may change when it is taken up again."""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One COCO folder (`images/`, `annotations.json.gz`) and how it is used."""

    name: str
    weight: float
    """Share of the crops, relative to the other sources."""
    gsd_m: float
    """Ground sampling distance of images that carry none."""
    gsd_spread: float = 1.0
    """The true value may be off by up to this factor either way; crops are spread accordingly."""
    target_gsd_m: tuple[float, float] | None = None
    """Range of ground sampling distances of the crops, where it differs from the recipe's."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A training run. The same recipe, data and seed give the same crops in the same order."""

    name: str
    sources: tuple[SourceSpec, ...]
    seed: int = 7
    crop_px: int = 256
    target_gsd_m: tuple[float, float] = (0.27, 0.6)
    batch_size: int = 4
    steps: int = 3000
    minutes: float | None = None
    """Where given, the cosine follows the clock instead of `steps`, which is then the most there can be."""
    learning_rate: float = 1.2e-3
    trunk_rate_factor: float = 0.3
    weight_decay: float = 0.02
    warmup_steps: int = 100
    gradient_norm_max: float = 5.0
    frozen_stages: int = 2
    ema_decay: float = 0.998
    rotate_any_share: float = 0.5
    threads: int = 2
    workers: int = 1
    checkpoint_minutes: float = 5.0

    @property
    def is_fine_tuning(self) -> bool:
        """Tell whether it only makes sense from trained weights."""
        return self.name == FINE_TUNING_NAME

    def with_sources(self, sources: tuple[SourceSpec, ...]) -> Self:
        """Return the same recipe for other data."""
        return replace(self, sources=sources)

    def digest(self) -> str:
        """Return the SHA-256 of what shapes the weights; a run may be lengthened or moved to another machine."""
        values = {name: value for name, value in asdict(self).items() if name not in MAY_CHANGE}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from TOML. Unknown keys raise ValueError, so that a misspelt choice is not silently lost."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    sources = tuple(_build(SourceSpec, source) for source in values.pop("sources", []))
    if not sources:
        raise ValueError(f"{path.name} names no sources")
    recipe: Recipe = _build(Recipe, {**values, "sources": sources})
    return recipe


def shipped_recipe() -> Recipe:
    """Return the recipe of the shipped weights."""
    return load_recipe(SHIPPED)


def shipped_gsd_m(source: str) -> float | None:
    """Return what the shipped recipe knows of the ground sampling distance of a source, in metres."""
    return next((spec.gsd_m for spec in shipped_recipe().sources if spec.name == source), None)


def _build(kind: type, values: dict[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"unknown keys in the recipe: {', '.join(unknown)}")
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
