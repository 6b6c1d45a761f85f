# mypy: disallow-subclassing-any=False
"""Crops as torch tensors. Needs torch."""

import signal
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from processing.training.crops import CropMaker
from processing.training.image_cache import ImageCache
from processing.training.recipe import Recipe

Sample = tuple[Tensor, dict[str, Tensor]]


class CropDataset(Dataset[Sample]):
    """The crops of a run from `first` on: item i is crop `first + i`, so a resumed run sees what it would have seen."""

    def __init__(self, recipe: Recipe, cache_folder: Path, first: int) -> None:
        self._maker = CropMaker(recipe, ImageCache(cache_folder))
        self._first = first
        self._count = recipe.steps * recipe.batch_size - first

    def __len__(self) -> int:
        """Return how many crops are left."""
        return self._count

    def __getitem__(self, index: int) -> Sample:
        """Return a picture (3, S, S) uint8 and its target, as `BuildingNetwork.losses` takes it."""
        crop = self._maker.make(self._first + index)
        target = {
            "boxes": torch.from_numpy(crop.boxes),
            "labels": torch.ones(len(crop.boxes), dtype=torch.int64),
            "masks": torch.from_numpy(crop.masks),
            "ignored": torch.from_numpy(crop.ignored),
        }
        return torch.from_numpy(crop.picture).permute(2, 0, 1).contiguous(), target


def make_loader(recipe: Recipe, cache_folder: Path, first: int) -> DataLoader[Sample]:
    """Return batches in crop order: (pictures (N, 3, S, S) uint8, list of targets)."""
    return DataLoader(
        CropDataset(recipe, cache_folder, first),
        batch_size=recipe.batch_size,
        num_workers=recipe.workers,
        collate_fn=_collate,
        drop_last=True,
        worker_init_fn=_start_worker,
        prefetch_factor=4 if recipe.workers else None,
    )


def _collate(samples: list[Sample]) -> tuple[Tensor, list[dict[str, Tensor]]]:
    return torch.stack([picture for picture, _ in samples]), [target for _, target in samples]


def _start_worker(_: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the run itself decides when to end
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the run's own handler, which the fork brought along
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
