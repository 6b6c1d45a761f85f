"""Crisp, antialiased outlines: each pixel near an edge by its distance from it."""

from typing import Any

import numpy as np

from processing.footprint_index.compiling import compiled


@compiled
def stroke_edge(coverage: Any, start: Any, end: Any, width_px: float, own_class: int) -> None:
    """Draw one edge, in pixels, with round ends; of several lines in a pixel the strongest counts."""
    height, width = coverage.line.shape
    (x0, y0), (x1, y1) = start, end
    reach = width_px / 2 + 0.5
    dx, dy = x1 - x0, y1 - y0
    length2 = dx * dx + dy * dy
    for line in range(max(0, int(np.floor(min(y0, y1) - reach))), min(height, int(np.ceil(max(y0, y1) + reach)))):
        low, high = _span(x0, y0, dx, dy, line + 0.5, reach)
        for column in range(max(0, int(low)), min(width, int(np.ceil(high)) + 1)):
            px, py = column + 0.5 - x0, line + 0.5 - y0
            along = min(max((px * dx + py * dy) / length2, 0.0), 1.0) if length2 > 0 else 0.0
            distance = np.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2)
            share = min(reach - distance, 1.0)
            if share > coverage.line[line, column]:
                coverage.line[line, column] = share
                if share >= 0.5:
                    coverage.winner[line, column] = own_class


@compiled
def _span(x0: float, y0: float, dx: float, dy: float, y: float, reach: float) -> tuple[float, float]:
    """Return from where to where a line of pixels can lie near an edge."""
    low, high = min(x0, x0 + dx) - reach, max(x0, x0 + dx) + reach
    if abs(dy) > 1e-9:
        middle = x0 + (y - y0) * dx / dy
        wide = reach * np.sqrt(dx * dx + dy * dy) / abs(dy)
        low, high = max(low, middle - wide), min(high, middle + wide)
    return low, high
