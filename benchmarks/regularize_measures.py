"""How good outlines are, against the labels and in themselves."""

from dataclasses import dataclass

import numpy as np
import shapely

Polygons = np.ndarray
WITHIN_DEG = 5.0
LEAST_OVERLAP_PX = 0.01
GRID_PX = 2.0**-20


@dataclass(frozen=True)
class Quality:
    """Measures of one set of outlines. Those against labels are over the outlines that have one."""

    iou: float
    boundary_px: float
    """Mean over the buildings of the Hausdorff distance to the label."""
    right_angles: float
    """Share of all corners that are within 5° of 90° or 270°."""
    vertices: float
    """Per building."""
    n_ratio: float
    """Vertices over those of the labels."""
    invalid: float
    """Share of outlines that cross themselves, are no longer one polygon, or are gone."""
    overlaps: float
    """Pairs of outlines that share ground, per 1000 outlines."""


def measure_quality(outlines: Polygons, labels: Polygons) -> Quality:
    """Measure outlines (N,) in pixels; labels (N,) are None where there is none."""
    outlines = np.where(shapely.is_missing(outlines), shapely.Polygon(), outlines)
    valid = shapely.is_valid(outlines) & (shapely.get_type_id(outlines) == 3) & ~shapely.is_empty(outlines)
    known = np.array([label is not None for label in labels])
    pairs = known & valid
    first, second = outlines[pairs], labels[pairs]
    shared = shapely.area(shapely.intersection(first, second))
    iou = shared / (shapely.area(first) + shapely.area(second) - shared)
    vertices = shapely.get_num_coordinates(first) - shapely.get_num_interior_rings(first) - 1
    wanted = shapely.get_num_coordinates(second) - shapely.get_num_interior_rings(second) - 1
    return Quality(
        iou=float(iou.sum() / max(known.sum(), 1)),
        boundary_px=float(shapely.hausdorff_distance(first, second).mean()),
        right_angles=right_angle_share(outlines[valid]),
        vertices=float(vertices.mean()),
        n_ratio=float(vertices.sum() / wanted.sum()),
        invalid=float(1 - valid.mean()),
        overlaps=1000 * overlapping_pairs(outlines[valid]) / len(outlines),
    )


def right_angle_share(outlines: Polygons) -> float:
    """Return the share of all corners, of courtyards too, that are within 5° of a right angle."""
    points, rings = shapely.get_coordinates(shapely.get_rings(outlines), return_index=True)
    last = np.append(rings[1:] != rings[:-1], True)
    steps = (points[1:] - points[:-1])[~last[:-1]]
    owners = rings[:-1][~last[:-1]]
    angles = np.arctan2(steps[:, 1], steps[:, 0])
    following = np.append(angles[1:], 0.0)
    ends = np.append(owners[1:] != owners[:-1], True)
    following[ends] = angles[np.append(True, ends[:-1])]
    turns = np.abs((np.rad2deg(following - angles) + 180) % 360 - 180)
    return float((np.abs(turns - 90) <= WITHIN_DEG).mean())


def overlapping_pairs(outlines: Polygons) -> int:
    """Count the pairs of outlines that share more than a hundredth of a pixel."""
    first, second = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    pairs = first < second
    # Without a grid the overlay can take a whole polygon for shared where two walls differ in the last bits.
    areas = shapely.area(shapely.intersection(outlines[first[pairs]], outlines[second[pairs]], grid_size=GRID_PX))
    return int((areas > LEAST_OVERLAP_PX).sum())
