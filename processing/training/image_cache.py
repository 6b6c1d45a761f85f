"""Decoded images in one flat memory-mapped file, so that cutting a crop costs no decoding."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from processing.training.coco_source import LabelledImage, Outline, folder_digest, read_coco
from processing.training.data_folder import source_folder
from processing.training.pictures import pool, read_rgb
from processing.training.recipe import Recipe, SourceSpec


@dataclass(frozen=True, slots=True)
class Level:
    """One image average-pooled by `factor`, at `offset` in the pixel file."""

    factor: int
    offset: int
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class CachedImage:
    """One image: its pooled levels, the ground sampling distance of factor 1, its outlines in factor-1 pixels."""

    name: str
    gsd_m: float
    width_px: int
    height_px: int
    levels: tuple[Level, ...]
    outlines: tuple[Outline, ...]


class ImageCache:
    """The cache of a recipe's sources. Opens the pixel file anew in each process."""

    def __init__(self, folder: Path) -> None:
        self._pixels_path = folder / "pixels.u8"
        self._pixels: NDArray[np.uint8] | None = None
        with (folder / "index.pickle").open("rb") as stream:
            self.sources: dict[str, list[CachedImage]] = pickle.load(stream)
        self.manifest: dict[str, dict[str, object]] = json.loads((folder / "manifest.json").read_text())

    def pixels(self, level: Level) -> NDArray[np.uint8]:
        """Return (H, W, 3) uint8 RGB, a view of the file."""
        if self._pixels is None:
            self._pixels = np.memmap(self._pixels_path, dtype=np.uint8, mode="r")
        size = level.width_px * level.height_px * 3
        return self._pixels[level.offset : level.offset + size].reshape(level.height_px, level.width_px, 3)


def build_cache(recipe: Recipe, data: Path, folder: Path) -> ImageCache:
    """Decode all sources of the recipe below `data` into `folder`; a finished cache of the same data is kept."""
    folders = {spec.name: source_folder(data, spec.name) for spec in recipe.sources}
    manifest = {
        spec.name: {"sha256": folder_digest(folders[spec.name]), "gsd_m": spec.gsd_m} for spec in recipe.sources
    }
    done = folder / "manifest.json"
    if done.exists() and _same_data(json.loads(done.read_text()), manifest):
        return ImageCache(folder)
    folder.mkdir(parents=True, exist_ok=True)
    done.unlink(missing_ok=True)
    sources: dict[str, list[CachedImage]] = {}
    with (folder / "pixels.u8").open("wb") as stream:
        for spec in recipe.sources:
            images = read_coco(folders[spec.name])
            target = spec.target_gsd_m or recipe.target_gsd_m
            sources[spec.name] = [_store(image, spec, target, stream) for image in images]
            manifest[spec.name]["images"] = len(images)
            manifest[spec.name]["outlines"] = sum(len(image.outlines) for image in images)
    with (folder / "index.pickle").open("wb") as index:
        pickle.dump(sources, index)
    done.write_text(json.dumps(manifest, indent=2))
    return ImageCache(folder)


def _same_data(stored: dict[str, dict[str, object]], wanted: dict[str, dict[str, object]]) -> bool:
    return {name: (entry["sha256"], entry["gsd_m"]) for name, entry in stored.items()} == {
        name: (entry["sha256"], entry["gsd_m"]) for name, entry in wanted.items()
    }


def _useful_factors(gsd_m: float, finest_m: float, coarsest_m: float) -> list[int]:
    """Return the whole factors that bring an image into the range; the largest one below it where none does."""
    largest = max(1, int(coarsest_m / gsd_m))
    return [factor for factor in range(1, largest + 1) if factor == largest or gsd_m * factor >= finest_m]


def _store(image: LabelledImage, spec: SourceSpec, target_gsd_m: tuple[float, float], stream: BinaryIO) -> CachedImage:
    gsd = image.gsd_m or spec.gsd_m
    finest_m, coarsest_m = target_gsd_m
    picture = read_rgb(image.path)
    levels = []
    for factor in _useful_factors(gsd, finest_m / 2, coarsest_m * spec.gsd_spread * 1.1):
        pooled = pool(picture, factor)
        levels.append(Level(factor, stream.tell(), pooled.shape[1], pooled.shape[0]))
        stream.write(np.ascontiguousarray(pooled).tobytes())
    height, width = picture.shape[:2]
    return CachedImage(image.path.stem, gsd, width, height, tuple(levels), image.outlines)
