"""The palettes of the pictures: RGBA of each index that `shading` writes. Index 0 is transparent."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.area_shading import (
    FILL_STEPS,
    LINE_STEPS,
    PLAIN_FILL_STEPS,
    PLAIN_LINE_STEPS,
    PLAIN_STEPS,
)
from processing.footprint_index.palettes import CLASSES, Style, class_colours, ramp
from processing.footprint_index.shading import DENSITY_STEPS, OPACITY_STEPS

_DENSITY_OPACITY = (0.62, 0.95)
_COVERED_OPACITY = 0.88
_FILL_OPACITY = 0.38
_LINE_SHADE = {"light": 0.72, "dark": 1.0}
"""Outlines are darker than the filling over a light map; over a dark one the colour itself stands out."""


@cache
def density_table(style: Style) -> NDArray[np.uint8]:
    """Return (1 + DENSITY_STEPS, 4): the ramp of densities."""
    opacity = np.linspace(*_DENSITY_OPACITY, DENSITY_STEPS)
    return _table(ramp(style, DENSITY_STEPS), opacity)


@cache
def coverage_table(style: Style) -> NDArray[np.uint8]:
    """Return (1 + CLASSES * OPACITY_STEPS, 4): each class in steps of opacity."""
    colours = np.repeat(class_colours(style), OPACITY_STEPS, axis=0)
    opacity = np.tile(np.linspace(0, _COVERED_OPACITY, OPACITY_STEPS), CLASSES)
    return _table(colours, opacity)


@cache
def plain_coverage_table(style: Style) -> NDArray[np.uint8]:
    """Return (PLAIN_STEPS, 4): the colour of all in steps of opacity, the first of which is none."""
    return _table(class_colours(style)[:1].repeat(PLAIN_STEPS, 0), np.linspace(0, _COVERED_OPACITY, PLAIN_STEPS))[1:]


@cache
def outline_table(style: Style) -> NDArray[np.uint8]:
    """Return (1 + CLASSES * FILL_STEPS * LINE_STEPS, 4): each class with an outline over a filling."""
    return _outlined(style, CLASSES, FILL_STEPS, LINE_STEPS)


@cache
def plain_outline_table(style: Style) -> NDArray[np.uint8]:
    """Return (PLAIN_FILL_STEPS * PLAIN_LINE_STEPS, 4): an outline over a filling; the first is neither."""
    return _outlined(style, 1, PLAIN_FILL_STEPS, PLAIN_LINE_STEPS)[1:]


def _outlined(style: Style, classes: int, fill_steps: int, line_steps: int) -> NDArray[np.uint8]:
    fill, line = (part.ravel() for part in np.meshgrid(np.arange(fill_steps), np.arange(line_steps), indexing="ij"))
    filled, lined = fill / (fill_steps - 1) * _FILL_OPACITY, line / (line_steps - 1)
    opacity = lined + filled * (1 - lined)
    colour = class_colours(style)[:classes, None, :]
    edge = colour * _LINE_SHADE[style.theme]
    mixed = (edge * lined[:, None] + colour * (filled * (1 - lined))[:, None]) / np.maximum(opacity, 1e-9)[:, None]
    return _table(mixed.reshape(-1, 3), np.tile(opacity, classes))


def _table(colours: NDArray[np.float64], opacity: NDArray[np.float64]) -> NDArray[np.uint8]:
    rgba = np.column_stack((colours, opacity * 255)).round().astype(np.uint8)
    return np.vstack((np.zeros((1, 4), np.uint8), rgba))
