"""The state of a run on disk. Needs torch."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn


@dataclass(slots=True)
class RunState:
    """Where a run stands: steps taken, seconds spent, recipe and data it belongs to, the weights it started from."""

    step: int = 0
    elapsed_s: float = 0.0
    recipe_sha256: str = ""
    started_from_sha256: str | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    """The manifest of the training data: hash, numbers of images and outlines of each source."""


def save_checkpoint(
    path: Path, state: RunState, network: nn.Module, averaged: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Write a checkpoint whole or not at all."""
    part = path.with_suffix(".part")
    content = {
        "step": state.step,
        "elapsed_s": state.elapsed_s,
        "recipe_sha256": state.recipe_sha256,
        "started_from_sha256": state.started_from_sha256,
        "recipe": state.recipe,
        "data": state.data,
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(content, part)
    os.replace(part, path)


def load_checkpoint(path: Path, recipe_sha256: str) -> dict[str, Any]:
    """Read a checkpoint. Raises ValueError where it belongs to another recipe."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if content["recipe_sha256"] != recipe_sha256:
        raise ValueError(f"{path.name} was made with another recipe; use another run folder")
    return content


class AveragedWeights:
    """An exponential moving average of a network's weights; it scores better than the last step alone."""

    def __init__(self, network: nn.Module, averaged: nn.Module, decay: float) -> None:
        self.module = averaged
        self._decay = decay
        self._pairs = list(zip(averaged.parameters(), network.parameters(), strict=True))

    def update(self, step: int) -> None:
        """Move towards the network; faster at the start, when the first weights mean nothing."""
        decay = min(self._decay, (1 + step) / (10 + step))
        kept = [pair[0] for pair in self._pairs]
        new = [pair[1] for pair in self._pairs]
        with torch.no_grad():
            torch._foreach_lerp_(kept, new, 1 - decay)
