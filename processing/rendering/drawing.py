"""Antialiased drawing: shapes are drawn four times too large and averaged, which gives their coverage per pixel."""

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

OVERSAMPLING = 4
_SUBPIXEL_BITS = 4
_SUBPIXELS = 1 << _SUBPIXEL_BITS


class CoverageCanvas:
    """A square single-channel canvas in pixel coordinates (x right, y down, 0 at the corner)."""

    def __init__(self, side_px: int) -> None:
        self._side_px = side_px
        side = side_px * OVERSAMPLING
        self._pixels = np.zeros((side, side), np.uint8)
        self._touched = False

    def fill(self, polygon: shapely.Polygon) -> None:
        """Fill one polygon, in pixels, with its holes left out."""
        rings = [_fixed_point(shapely.get_coordinates(ring)) for ring in shapely.get_rings(polygon)]
        if rings:
            cv2.fillPoly(self._pixels, rings, 255, lineType=cv2.LINE_8, shift=_SUBPIXEL_BITS)
            self._touched = True

    def stroke(self, lines: NDArray[np.object_], width_px: float) -> None:
        """Draw the outlines of geometries in pixels."""
        rings = shapely.get_rings(lines) if len(lines) and shapely.get_type_id(lines[0]) == 3 else lines
        points = [_fixed_point(shapely.get_coordinates(ring)) for ring in rings]
        if points:
            thickness = max(1, round(width_px * OVERSAMPLING))
            cv2.polylines(self._pixels, points, False, 255, thickness, cv2.LINE_8, shift=_SUBPIXEL_BITS)
            self._touched = True

    def coverage(self) -> NDArray[np.float32]:
        """Return how much of each pixel is covered: (side, side) float32 in [0, 1]."""
        if not self._touched:
            return np.zeros((self._side_px, self._side_px), np.float32)
        small = cv2.resize(self._pixels, (self._side_px, self._side_px), interpolation=cv2.INTER_AREA)
        return (small * np.float32(1 / 255)).astype(np.float32)


def _fixed_point(points_px: NDArray[np.float64]) -> NDArray[np.int32]:
    # A pixel's centre is at its whole number in OpenCV and at .5 in tile coordinates.
    return np.round((points_px * OVERSAMPLING - 0.5) * _SUBPIXELS).astype(np.int32)


def blend(
    image: NDArray[np.float32], coverage: NDArray[np.float32], colour: tuple[int, int, int], opacity: float = 1.0
) -> None:
    """Paint a colour over an opaque image in place: (H, W, 3) float32 in [0, 255], coverage (H, W) in [0, 1]."""
    share = (coverage * np.float32(opacity))[..., None]
    image *= 1 - share
    image += share * np.array(colour, np.float32)
