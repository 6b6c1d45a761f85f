"""Validation images cut into detector windows at the working ground sampling distance."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.errors import LabelsInvalid
from processing.training.coco_source import LabelledImage, Outline, read_coco
from processing.training.crops import VISIBLE_AREA_MIN_PX, VISIBLE_SHARE_MIN, label_crop
from processing.training.data_folder import missing_gsd
from processing.training.pictures import pool, read_rgb
from processing.working_scale import WorkingScale


@dataclass(frozen=True, slots=True)
class LabelledWindow:
    """picture: (S, S, 3) uint8 RGB, 0 outside the image. masks: (G, S, S) uint8. ignored: (J, 4) px."""

    image: str
    """Source and name of the image that it was cut from."""
    name: str
    picture: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    ignored: NDArray[np.float32]
    polygons: tuple[BaseGeometry, ...]
    """The labels as polygons in window pixels, cut off at the window's edge."""


def read_windows(
    folder: Path, gsd_m: float | None, scale: WorkingScale, window_px: int, every: int = 1
) -> Iterator[LabelledWindow]:
    """Yield the windows of a COCO folder, side by side without overlap; a strip too narrow for a window is left out.

    gsd_m is used for images that carry no ground sampling distance. Images smaller than a window are padded with 0.
    every: yield each n-th window only. Raises `LabelsInvalid`.
    """
    number = 0
    for image in read_coco(folder):
        known_m = image.gsd_m or gsd_m
        if known_m is None:
            raise LabelsInvalid(name=folder.name, detail=missing_gsd(1))
        pooling, enlarging = scale.factors(known_m)
        picture: NDArray[np.uint8] | None = None
        step = window_px // enlarging
        for top in _starts(image.height_px // pooling, step):
            for left in _starts(image.width_px // pooling, step):
                number += 1
                if (number - 1) % every:
                    continue
                if picture is None:
                    picture = _read(image, pooling)
                part = picture[top : top + step, left : left + step]
                to_window = _to_window(enlarging / pooling, (left, top), enlarging)
                yield _window(image, _enlarged(part, enlarging, window_px), to_window, f"{top}_{left}")


def _read(image: LabelledImage, pooling: int) -> NDArray[np.uint8]:
    picture = read_rgb(image.path)
    if picture.shape[:2] != (image.height_px, image.width_px):
        detail = f"it has {picture.shape[1]} x {picture.shape[0]} px, the annotations say otherwise"
        raise LabelsInvalid(name=image.path.name, detail=detail)
    return pool(picture, pooling) if pooling > 1 else picture


def _enlarged(part: NDArray[np.uint8], enlarging: int, window_px: int) -> NDArray[np.uint8]:
    window = np.zeros((window_px, window_px, 3), np.uint8)
    size = (part.shape[1] * enlarging, part.shape[0] * enlarging)
    window[: size[1], : size[0]] = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
    return window


def _to_window(scale: float, corner: tuple[int, int], enlarging: int) -> NDArray[np.float64]:
    """Return (2, 3): image pixels to window pixels."""
    origin = -np.array(corner, dtype=np.float64) * enlarging
    return np.column_stack([np.eye(2) * scale, origin])


def _window(
    image: LabelledImage, picture: NDArray[np.uint8], to_window: NDArray[np.float64], place: str
) -> LabelledWindow:
    _, masks, ignored = label_crop(image.outlines, to_window, picture.any(axis=2))
    polygons = _polygons(image.outlines, to_window, picture.shape[0])
    stem = image.path.stem
    source = image.path.parent.parent.name
    return LabelledWindow(f"{source}/{stem}", f"{stem}_{place}", picture, masks, ignored, polygons)


def _polygons(outlines: tuple[Outline, ...], to_window: NDArray[np.float64], side: int) -> tuple[BaseGeometry, ...]:
    """Return what the window shows of the outlines, without the slivers that `label_crop` leaves out, too."""
    scale, origin = to_window[0, 0], to_window[:, 2]
    frame = (0.0, 0.0, float(side), float(side))
    boxes = np.array([outline.box for outline in outlines]).reshape(-1, 4) * scale + np.tile(origin, 2)
    near = (boxes[:, 2:] > 0).all(axis=1) & (boxes[:, :2] < side).all(axis=1)
    result = []
    for index in np.flatnonzero(near):
        whole = shapely.make_valid(_polygon(outlines[index], scale, origin))
        shown = shapely.clip_by_rect(whole, *frame)
        areas = [part for part in shapely.get_parts([shown]) if part.geom_type in ("Polygon", "MultiPolygon")]
        if sum(part.area for part in areas) >= max(VISIBLE_AREA_MIN_PX, VISIBLE_SHARE_MIN * whole.area):
            result.append(shapely.union_all(areas))
    return tuple(result)


def _polygon(outline: Outline, scale: float, origin: NDArray[np.float64]) -> BaseGeometry:
    rings = [shapely.Polygon(ring * scale + origin) for ring in outline.rings]
    shape = rings[0] if len(rings) == 1 else shapely.union_all([shapely.make_valid(ring) for ring in rings])
    holes = [shapely.make_valid(shapely.Polygon(hole * scale + origin)) for hole in outline.holes]
    return shapely.difference(shapely.make_valid(shape), shapely.union_all(holes)) if holes else shape


def _starts(length: int, step: int) -> range:
    return range(0, max(1, length - step // 2), step)
