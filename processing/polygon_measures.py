"""Measures of polygons against labelled polygons: boundary IoU, complexity-aware IoU and the ratio of corners."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from processing.evaluation import match, polygon_iou_matrix

Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class PolygonCounts:
    """What one picture adds to the measures. The lists hold one value for each matched pair."""

    iou: tuple[float, ...]
    boundary_iou: tuple[float, ...]
    corners_found: tuple[int, ...]
    corners_labelled: tuple[int, ...]
    c_iou: float | None
    """Of the whole picture; None where there is neither a found nor a labelled building."""


@dataclass(frozen=True, slots=True)
class PolygonMeasures:
    """Means over matched pairs (IoU, boundary IoU), over pictures (C-IoU); N ratio: corners found over labelled."""

    matched: int
    iou: float
    boundary_iou: float
    c_iou: float
    n_ratio: float


def compare_polygons(
    found: Sequence[BaseGeometry], labelled: Sequence[BaseGeometry], scores: NDArray[np.float64], band: float
) -> PolygonCounts:
    """Compare the valid polygons of one picture; band is the width of the boundary, in the polygons' unit."""
    first, second = _array(found), _array(labelled)
    matrix = polygon_iou_matrix(found, labelled)
    rows, columns = _pairs(scores, matrix)
    return PolygonCounts(
        iou=tuple(matrix[rows, columns].tolist()),
        boundary_iou=tuple(boundary_iou(first[rows], second[columns], band).tolist()),
        corners_found=tuple(corners(first[rows]).tolist()),
        corners_labelled=tuple(corners(second[columns]).tolist()),
        c_iou=complexity_iou(first, second),
    )


def sum_up(pictures: Sequence[PolygonCounts]) -> PolygonMeasures:
    """Return the measures of a set of pictures; NaN where nothing was matched."""
    iou = [value for picture in pictures for value in picture.iou]
    boundary = [value for picture in pictures for value in picture.boundary_iou]
    found = sum(sum(picture.corners_found) for picture in pictures)
    labelled = sum(sum(picture.corners_labelled) for picture in pictures)
    complexity = [picture.c_iou for picture in pictures if picture.c_iou is not None]
    return PolygonMeasures(
        matched=len(iou),
        iou=_mean(iou),
        boundary_iou=_mean(boundary),
        c_iou=_mean(complexity),
        n_ratio=found / labelled if labelled else float("nan"),
    )


def boundary_iou(first: Geometries, second: Geometries, band: float) -> NDArray[np.float64]:
    """Return (N,) IoU of the bands of width `band` inside the outlines of N pairs.

    B. Cheng et al., Boundary IoU: improving object-centric image segmentation evaluation, CVPR 2021.
    """
    inner_first = shapely.difference(first, shapely.buffer(first, -band, join_style="mitre"))
    inner_second = shapely.difference(second, shapely.buffer(second, -band, join_style="mitre"))
    common = shapely.area(shapely.intersection(inner_first, inner_second))
    union = shapely.area(inner_first) + shapely.area(inner_second) - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def complexity_iou(found: Geometries, labelled: Geometries) -> float | None:
    """Return the IoU of all buildings of a picture, lessened by how much the numbers of corners differ.

    S. Zorzi et al., PolyWorld: polygonal building extraction with graph neural networks, CVPR 2022:
    IoU · (1 − |N − M| / (N + M)) with N and M corners.
    """
    total = int(corners(found).sum() + corners(labelled).sum())
    if total == 0:
        return None
    one, other = shapely.union_all(found), shapely.union_all(labelled)
    common = one.intersection(other).area
    union = one.area + other.area - common
    difference = abs(int(corners(found).sum()) - int(corners(labelled).sum()))
    return float(common / union * (1 - difference / total)) if union > 0 else 0.0


def corners(shapes: Geometries) -> NDArray[np.int64]:
    """Return the number of corners of each polygon, holes included; a ring's repeated point counts once."""
    if not len(shapes):
        return np.zeros(0, np.int64)
    polygons, owners = shapely.get_parts(shapes, return_index=True)
    rings = 1 + shapely.get_num_interior_rings(polygons)
    counted = np.bincount(owners, shapely.get_num_coordinates(polygons) - rings, minlength=len(shapes))
    return counted.astype(np.int64)


def _pairs(scores: NDArray[np.float64], matrix: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the pairs that `match` makes at IoU 0.5."""
    rows = np.flatnonzero(match(scores, matrix, 0.5))
    free = np.ones(matrix.shape[1], dtype=bool)
    columns = []
    for row in rows[np.argsort(-scores[rows], kind="stable")]:
        column = int(np.argmax(np.where(free, matrix[row], -1.0)))
        free[column] = False
        columns.append((int(row), column))
    pairs = np.array(columns, dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _array(shapes: Sequence[BaseGeometry]) -> Geometries:
    result = np.empty(len(shapes), object)
    result[:] = list(shapes)
    return result


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
