"""True areas on the ellipsoid of shapes in degrees."""

import numpy as np
import shapely
from numpy.typing import NDArray

WGS84_A_M = 6_378_137.0
WGS84_E2 = 0.006_694_379_990_141_316
"""Squared eccentricity: f (2 - f), f = 1 / 298.257223563."""


def areas_m2(shapes_deg: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the (N,) ground areas of (N,) shapes in longitude and latitude, WGS 84, m².

    Longitudes may run past ±180°, so that a shape over the antimeridian is measured in one piece. The shapes are laid
    out in the cylindrical equal-area projection of the ellipsoid, with the authalic function q of the latitude:
    J. P. Snyder, Map Projections: A Working Manual, USGS Professional Paper 1395, 1987, equations 3-12 and 10-14.
    """
    measured: NDArray[np.float64] = shapely.area(shapely.transform(shapes_deg, _equal_area))
    return measured


def _equal_area(points_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) degrees to (N, 2) m."""
    e = np.sqrt(WGS84_E2)
    sine = np.sin(np.radians(points_deg[:, 1]))
    q = (1 - WGS84_E2) * (sine / (1 - WGS84_E2 * sine**2) + np.arctanh(e * sine) / e)
    return np.column_stack([WGS84_A_M * np.radians(points_deg[:, 0]), WGS84_A_M * q / 2])
