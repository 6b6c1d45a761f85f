"""Labelled data on disk: one COCO folder, or a folder of such folders."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from processing.errors import LabelsInvalid
from processing.training.coco_source import is_coco_folder, read_coco
from processing.training.recipe import FINE_TUNING_NAME, Recipe, SourceSpec

FINE_TUNING = Recipe(
    name=FINE_TUNING_NAME,
    sources=(),
    learning_rate=1e-4,
    steps=1500,
    warmup_steps=50,
    ema_decay=0.99,
)
"""A low rate and few steps: enough to take on an area's roofs and light, too little to forget the others."""


def source_names(data: Path) -> list[str]:
    """Return the names of the COCO folders in `data`, or of `data` itself where it is one. Raises `LabelsInvalid`."""
    if is_coco_folder(data):
        return [data.resolve().name]
    found = sorted(path.name for path in data.iterdir() if is_coco_folder(path)) if data.is_dir() else []
    if not found:
        detail = "neither it nor a folder in it has images/ and annotations.json or annotations.json.gz"
        raise LabelsInvalid(name=str(data), detail=detail)
    return found


def source_folder(data: Path, name: str) -> Path:
    """Return the folder of a source: `data` itself where that is the one."""
    return data if is_coco_folder(data) and data.resolve().name == name else data / name


def fine_tuning_recipe(data: Path, gsd_m: float | None = None) -> Recipe:
    """Return the recipe for data that no recipe names; each source has the same share of the crops.

    gsd_m is for images that tell no ground sampling distance. Raises `LabelsInvalid` where there are any and it is
    not given.
    """
    names = source_names(data)
    sources = tuple(SourceSpec(name, 1.0, _usual_gsd_m(source_folder(data, name), gsd_m)) for name in names)
    return FINE_TUNING.with_sources(sources)


def _usual_gsd_m(folder: Path, gsd_m: float | None) -> float:
    known: Sequence[float | None] = [image.gsd_m for image in read_coco(folder)]
    if not known:
        raise LabelsInvalid(name=folder.name, detail="it holds no images")
    if gsd_m is not None:
        return gsd_m
    told = [value for value in known if value is not None]
    if len(told) < len(known):
        raise LabelsInvalid(name=folder.name, detail=missing_gsd(len(known) - len(told)))
    return float(median(told))


def missing_gsd(images: int) -> str:
    """Return what is wrong with images whose ground sampling distance nobody told."""
    return (
        f"the ground sampling distance of {images} images is not known; give each image a gsd in metres, use GeoTIFFs, "
        "or say --gsd"
    )
