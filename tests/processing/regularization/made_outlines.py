"""Outlines as soft masks give them, and what is right about their corners."""

import cv2
import numpy as np
import shapely
from shapely import affinity

from processing.polygonize import outline_of
from processing.regularization.regularize import Regularized
from processing.views import MaskShape, tight

L_SHAPE = shapely.Polygon([(0, 0), (60, 0), (60, 25), (28, 25), (28, 50), (0, 50)])
CROSS = shapely.box(20, 0, 40, 60).union(shapely.box(0, 20, 60, 40))
BAY = shapely.Polygon([(0, 0), (64, 0), (64, 30), (44, 50), (0, 50)])
TRAPEZOID = shapely.Polygon([(0, 0), (70, 0), (48, 40), (14, 40)])


def blurred(polygon, softness=2.0, size=110):
    """Return a polygon, moved to the middle, and its outline from a soft mask, with rounded corners."""
    moved = affinity.translate(polygon, 20, 20)
    rows, columns = np.indices((size * 4, size * 4)) / 4 + 0.125
    inside = shapely.contains_xy(moved, columns.ravel(), rows.ravel()).reshape(size * 4, size * 4)
    pixels = inside.reshape(size, 4, size, 4).mean(axis=(1, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(pixels, (0, 0), softness)
    return moved, outline_of(tight(MaskShape(0, 0, (soft * 255).astype(np.uint8))))


def corner_angles_deg(ring):
    """Return the angle between the two walls at each corner of a ring, in [0, 180]."""
    points = shapely.get_coordinates(ring)[:-1]
    ahead, back = np.roll(points, -1, axis=0) - points, np.roll(points, 1, axis=0) - points
    cosine = (ahead * back).sum(axis=1) / (np.linalg.norm(ahead, axis=1) * np.linalg.norm(back, axis=1))
    return np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))


def all_right(polygon):
    return all(np.allclose(corner_angles_deg(ring), 90, atol=0.5) for ring in [polygon.exterior, *polygon.interiors])


def rectangle(x0, y0, x1, y1, turn_deg=0.0):
    """Return a fitted rectangle."""
    outline = affinity.rotate(shapely.box(x0, y0, x1, y1), turn_deg)
    return Regularized(outline, "rectangle", 0.9, "accepted", float(np.deg2rad(turn_deg)))
