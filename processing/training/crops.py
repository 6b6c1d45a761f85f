"""Training crops: every crop is a pure function of the recipe's seed and the crop's number."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rasterio import features
from rasterio.transform import IDENTITY

from processing.training.coco_source import Outline
from processing.training.image_cache import CachedImage, ImageCache, Level
from processing.training.photometry import vary_photometry
from processing.training.recipe import Recipe, SourceSpec

VISIBLE_SHARE_MIN = 0.25
VISIBLE_AREA_MIN_PX = 16
SIDE_MIN_PX = 3
ON_BUILDING_SHARE = 0.75

Affine = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crop:
    """picture: (S, S, 3) uint8 RGB. boxes: (K, 4) float32 px. masks: (K, S, S) uint8. ignored: (J, 4) float32 px."""

    picture: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    masks: NDArray[np.uint8]
    ignored: NDArray[np.float32]
    source: str


class CropMaker:
    """Cuts crops of all sources at random places, scales, turns and lights."""

    def __init__(self, recipe: Recipe, cache: ImageCache) -> None:
        self._recipe = recipe
        self._cache = cache
        weights = np.array([spec.weight for spec in recipe.sources])
        self._shares = weights / weights.sum()

    def make(self, number: int) -> Crop:
        """Return crop `number` of the run."""
        rng = np.random.default_rng((self._recipe.seed, number))
        spec = self._recipe.sources[rng.choice(len(self._shares), p=self._shares)]
        images = self._cache.sources[spec.name]
        image = images[rng.integers(len(images))]
        gsd = self._draw_gsd(rng, spec, image)
        level = _draw_level(rng, image, gsd)
        to_crop = self._draw_affine(rng, image, image.gsd_m / gsd)
        picture = self._warp(rng, level, to_crop)
        boxes, masks, ignored = label_crop(image.outlines, to_crop, picture.any(axis=2))
        return Crop(vary_photometry(rng, picture), boxes, masks, ignored, spec.name)

    def _draw_gsd(self, rng: np.random.Generator, spec: SourceSpec, image: CachedImage) -> float:
        low, high = np.log(spec.target_gsd_m or self._recipe.target_gsd_m)
        spread = np.log(spec.gsd_spread)
        return float(np.exp(rng.uniform(low, high) + rng.uniform(-spread, spread)))

    def _draw_affine(self, rng: np.random.Generator, image: CachedImage, scale: float) -> Affine:
        """Return (2, 3): image pixels to crop pixels, about a centre that keeps the crop on the image."""
        side = self._recipe.crop_px
        quarter = rng.integers(4) * np.pi / 2
        angle = quarter + (rng.uniform(-np.pi / 4, np.pi / 4) if rng.random() < self._recipe.rotate_any_share else 0)
        stretch = np.exp(rng.uniform(-0.06, 0.06))
        mirror = -1.0 if rng.random() < 0.5 else 1.0
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        linear = turn @ np.diag([scale * stretch * mirror, scale / stretch])
        centre = _draw_centre(rng, image, side / scale / 2)
        return np.column_stack([linear, np.array([side / 2, side / 2]) - linear @ centre])

    def _warp(self, rng: np.random.Generator, level: Level, to_crop: Affine) -> NDArray[np.uint8]:
        pixels = self._cache.pixels(level)
        linear = to_crop[:, :2] * level.factor
        # OpenCV counts from pixel centres, the affine from pixel corners.
        offset = to_crop[:, 2] + linear @ np.array([0.5, 0.5]) - 0.5
        matrix = np.column_stack([linear, offset])
        method = cv2.INTER_CUBIC if rng.random() < 0.3 else cv2.INTER_LINEAR
        side = self._recipe.crop_px
        # Cut first: warping a view of a large image would page all of it in.
        corners = np.linalg.solve(linear, np.array([[0, side, 0, side], [0, 0, side, side]]) - offset[:, None])
        left, top = np.clip(np.floor(corners.min(axis=1)) - 2, 0, None).astype(int)
        right, bottom = np.ceil(corners.max(axis=1)).astype(int) + 3
        part = np.ascontiguousarray(pixels[top : max(bottom, top + 1), left : max(right, left + 1)])
        matrix[:, 2] += linear @ np.array([left, top], dtype=np.float64)
        return np.asarray(cv2.warpAffine(part, matrix, (side, side), flags=method), dtype=np.uint8)


def label_crop(
    outlines: tuple[Outline, ...], to_crop: Affine, imaged: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
    """Return boxes (K, 4), masks (K, S, S) and ignored boxes (J, 4) of the outlines that the crop shows.

    imaged: (S, S) bool, where there is imagery. Slivers at the crop's edge, roofs of a few pixels and buildings
    without imagery are ignored: nobody could tell them.
    """
    side = imaged.shape[0]
    gain = abs(np.linalg.det(to_crop[:, :2]))
    shown = [(outline, rings) for outline in outlines if (rings := _to_crop(outline, to_crop, side))]
    shown.sort(key=lambda pair: -pair[0].area_px)
    if not shown:
        return np.zeros((0, 4), np.float32), np.zeros((0, side, side), np.uint8), np.zeros((0, 4), np.float32)
    shapes = [({"type": "MultiPolygon", "coordinates": rings}, index + 1) for index, (_, rings) in enumerate(shown)]
    labels = features.rasterize(shapes, (side, side), transform=IDENTITY, dtype="int32")
    boxes, masks, ignored = [], [], []
    for index, (outline, rings) in enumerate(shown):
        mask = (labels == index + 1) & imaged
        visible = int(mask.sum())
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if min(len(rows), len(columns)) < SIDE_MIN_PX or visible < max(
            VISIBLE_AREA_MIN_PX, VISIBLE_SHARE_MIN * outline.area_px * gain
        ):
            points = np.concatenate([ring for polygon in rings for ring in polygon[:1]])
            ignored.append(np.clip([*points.min(axis=0), *points.max(axis=0)], 0, side))
            continue
        boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        masks.append(mask.view(np.uint8))
    return (
        np.array(boxes, dtype=np.float32).reshape(-1, 4),
        np.array(masks, dtype=np.uint8).reshape(-1, side, side),
        np.array(ignored, dtype=np.float32).reshape(-1, 4),
    )


def _to_crop(outline: Outline, to_crop: Affine, side: int) -> list[list[NDArray[np.float64]]]:
    """Return MultiPolygon coordinates in crop pixels; empty where the outline does not meet the crop."""
    left, top, right, bottom = outline.box
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]]) @ to_crop[:, :2].T + to_crop[:, 2]
    if np.any(corners.max(axis=0) <= 0) or np.any(corners.min(axis=0) >= side):
        return []
    holes = [hole @ to_crop[:, :2].T + to_crop[:, 2] for hole in outline.holes]
    rings = [ring @ to_crop[:, :2].T + to_crop[:, 2] for ring in outline.rings]
    return [[ring, *(holes if index == 0 else [])] for index, ring in enumerate(rings)]


def _draw_level(rng: np.random.Generator, image: CachedImage, gsd: float) -> Level:
    """Choose among the pooled levels that are neither much coarser than the crop nor so fine that it would alias."""
    fit = [level for level in image.levels if 0.55 * gsd <= image.gsd_m * level.factor <= 1.1 * gsd]
    if fit:
        return fit[rng.integers(len(fit))]
    return min(image.levels, key=lambda level: abs(np.log(image.gsd_m * level.factor / gsd)))


def _draw_centre(rng: np.random.Generator, image: CachedImage, half: float) -> NDArray[np.float64]:
    size = np.array([image.width_px, image.height_px], dtype=np.float64)
    if image.outlines and rng.random() < ON_BUILDING_SHARE:
        left, top, right, bottom = image.outlines[rng.integers(len(image.outlines))].box
        centre = np.array([left + right, top + bottom]) / 2 + rng.uniform(-half, half, 2)
    else:
        centre = rng.uniform(0, 1, 2) * size
    margin = np.minimum(half * 0.9, size / 2)
    return np.clip(centre, margin, size - margin)
