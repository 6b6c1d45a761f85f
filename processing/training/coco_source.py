"""Read a COCO folder of building outlines: `images/` and `annotations.json` or `annotations.json.gz`."""

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.errors import LabelsInvalid
from processing.training.pictures import gsd_of_geotiff

DUPLICATE_BOX_IOU = 0.85


@dataclass(frozen=True, slots=True)
class Outline:
    """One building. rings: outer rings, then holes, each (N, 2) float32 image pixels (x right, y down)."""

    rings: tuple[NDArray[np.float32], ...]
    holes: tuple[NDArray[np.float32], ...]
    area_px: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image of a source and its outlines."""

    path: Path
    width_px: int
    height_px: int
    gsd_m: float | None
    outlines: tuple[Outline, ...]


def read_coco(folder: Path) -> list[LabelledImage]:
    """Return the images of a COCO folder with their outlines, exact and near duplicates left out.

    An image's ground sampling distance is its `gsd`, else that of its georeference, else None. Raises `LabelsInvalid`.
    """
    try:
        content = json.loads(_annotation_bytes(folder))
        images = sorted(content["images"], key=lambda image: str(image["file_name"]))
        by_image = _outlines_by_image(content["annotations"])
        return [_image(folder, image, by_image[image["id"]]) for image in images]
    except (OSError, ValueError) as error:
        raise LabelsInvalid(name=folder.name, detail=f"the annotations cannot be read ({error})") from error
    except (KeyError, TypeError, AttributeError) as error:
        detail = f"the annotations are not COCO with polygons ({type(error).__name__}: {error})"
        raise LabelsInvalid(name=folder.name, detail=detail) from error


def _outlines_by_image(annotations: list[dict[str, Any]]) -> dict[int, list[Outline]]:
    by_image: dict[int, list[Outline]] = defaultdict(list)
    for annotation in annotations:
        outline = _outline(annotation)
        if outline is not None:
            by_image[annotation["image_id"]].append(outline)
    return by_image


def _image(folder: Path, image: dict[str, Any], outlines: list[Outline]) -> LabelledImage:
    path = folder / "images" / image["file_name"]
    if not path.is_file():
        raise LabelsInvalid(name=folder.name, detail=f"there is no image {image['file_name']}")
    gsd_m = image.get("gsd") or gsd_of_geotiff(path)
    return LabelledImage(path, image["width"], image["height"], gsd_m, tuple(without_duplicates(outlines)))


def without_duplicates(outlines: list[Outline]) -> Iterator[Outline]:
    """Yield outlines whose box does not nearly equal that of an earlier one."""
    boxes = np.array([outline.box for outline in outlines], dtype=np.float64).reshape(-1, 4)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for index, outline in enumerate(outlines):
        earlier = slice(0, index)
        sides = np.minimum(boxes[earlier, 2:], boxes[index, 2:]) - np.maximum(boxes[earlier, :2], boxes[index, :2])
        common = np.clip(sides, 0, None).prod(axis=1)
        if not np.any(common / (areas[earlier] + areas[index] - common + 1e-9) > DUPLICATE_BOX_IOU):
            yield outline


def folder_digest(folder: Path) -> str:
    """Return one SHA-256 over the names and bytes of the annotations and all images. Raises `LabelsInvalid`."""
    if not is_coco_folder(folder):
        raise LabelsInvalid(name=folder.name, detail="it needs a folder images and annotations.json or .json.gz")
    total = hashlib.sha256(_annotation_bytes(folder))
    for path in sorted((folder / "images").iterdir()):
        total.update(path.name.encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def is_coco_folder(folder: Path) -> bool:
    """Tell whether there are images and annotations."""
    has_annotations = any((folder / name).is_file() for name in ("annotations.json", "annotations.json.gz"))
    return has_annotations and (folder / "images").is_dir()


def _annotation_bytes(folder: Path) -> bytes:
    packed = folder / "annotations.json.gz"
    if packed.exists():
        return gzip.decompress(packed.read_bytes())
    return (folder / "annotations.json").read_bytes()


def _outline(annotation: dict[str, Any]) -> Outline | None:
    rings = tuple(_ring(values) for values in annotation["segmentation"] if len(values) >= 6)
    if not rings:
        return None
    holes = tuple(_ring(values) for values in annotation.get("holes", []) if len(values) >= 6)
    area = sum(map(_ring_area, rings)) - sum(map(_ring_area, holes))
    points = np.concatenate(rings)
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return Outline(rings, holes, float(area), (float(left), float(top), float(right), float(bottom)))


def _ring(values: list[float]) -> NDArray[np.float32]:
    return np.asarray(values, dtype=np.float32).reshape(-1, 2)


def _ring_area(ring: NDArray[np.float32]) -> float:
    x, y = ring[:, 0].astype(np.float64), ring[:, 1].astype(np.float64)
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
