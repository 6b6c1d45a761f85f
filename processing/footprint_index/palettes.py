"""Colours of footprints on the map: ramps for the light and the dark base map, and what each colour means."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from processing.errors import ParameterInvalid
from processing.footprint_index.columns import AREA_BINS, CONFIDENCE_STEPS
from processing.footprint_index.layers import AREA, CONFIDENCE, COUNT, REVIEW, SOURCE

Colour = tuple[int, int, int]

CLASSES = 8
THEMES = ("light", "dark")
QUANTITIES = {"density": COUNT, "confidence": CONFIDENCE, "area": AREA, "job": SOURCE, "review": REVIEW}
CONFIDENCE_EDGES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""One class fewer than for areas: the first colour is that of footprints without a confidence."""
AREA_EDGES_M2 = (32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0)
"""Powers of two, which are edges of the histogram's bins too."""
_ANCHORS: dict[tuple[str, str], tuple[Colour, ...]] = {
    ("density", "light"): ((250, 206, 120), (244, 150, 62), (214, 71, 48), (150, 20, 66), (74, 8, 62)),
    ("density", "dark"): ((72, 44, 142), (158, 47, 146), (231, 84, 96), (252, 158, 79), (255, 244, 190)),
    ("confidence", "light"): ((206, 38, 38), (232, 124, 20), (214, 176, 20), (64, 160, 90), (20, 110, 190)),
    ("confidence", "dark"): ((255, 94, 58), (255, 149, 0), (255, 214, 10), (124, 227, 139), (0, 214, 255)),
    ("area", "light"): ((126, 186, 180), (60, 150, 170), (50, 100, 165), (76, 56, 146), (70, 20, 90)),
    ("area", "dark"): ((70, 96, 190), (60, 160, 210), (90, 214, 180), (190, 236, 130), (255, 250, 170)),
}
UNRATED: dict[str, Colour] = {"light": (96, 108, 122), "dark": (176, 188, 202)}
"""Of footprints without a confidence: no colour of the ramp, because that would say how sure they are."""
_SINGLE: dict[tuple[str, str], tuple[Colour, ...]] = {
    ("job", "light"): ((214, 74, 50), (30, 120, 180), (46, 140, 70), (150, 80, 170), (190, 130, 10), (0, 140, 150),
                       (200, 60, 130), (105, 105, 105)),
    ("job", "dark"): ((255, 120, 92), (96, 176, 255), (112, 214, 120), (206, 146, 255), (250, 200, 70), (70, 220, 220),
                      (255, 130, 190), (190, 190, 190)),
    ("review", "light"): ((110, 122, 134), (38, 140, 74), (206, 48, 48), (30, 112, 190), (222, 140, 20), (140, 80, 170),
                          (0, 140, 150), (90, 60, 40)),
    ("review", "dark"): ((170, 184, 198), (102, 220, 130), (255, 102, 92), (96, 176, 255), (255, 190, 70),
                         (206, 146, 255), (70, 220, 220), (214, 180, 150)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """How to colour footprints. Raises `ParameterInvalid` for an unknown name."""

    colour_by: str = "density"
    theme: str = "light"

    def __post_init__(self) -> None:
        """Refuse unknown names."""
        if self.colour_by not in QUANTITIES:
            rule = f"it must be one of {', '.join(QUANTITIES)}"
            raise ParameterInvalid(parameter="colour_by", value=self.colour_by, rule=rule)
        if self.theme not in THEMES:
            raise ParameterInvalid(parameter="theme", value=self.theme, rule=f"it must be one of {', '.join(THEMES)}")

    @property
    def quantity(self) -> int:
        """The number of what the colour tells, for compiled loops."""
        return QUANTITIES[self.colour_by]


@cache
def ramp(style: Style, steps: int) -> NDArray[np.float64]:
    """Return (steps, 3) RGB from low to high."""
    anchors = np.array(_ANCHORS[style.colour_by, style.theme], float)
    at = np.linspace(0, len(anchors) - 1, steps)
    return np.column_stack([np.interp(at, np.arange(len(anchors)), channel) for channel in anchors.T])


@cache
def class_colours(style: Style) -> NDArray[np.float64]:
    """Return (CLASSES, 3) RGB."""
    single = _SINGLE.get((style.colour_by, style.theme))
    if single is not None:
        return np.array(single, float)
    if style.colour_by == "density":
        return np.repeat(ramp(style, 5)[2:3], CLASSES, axis=0)
    if style.colour_by == "confidence":
        return np.vstack((UNRATED[style.theme], ramp(style, CLASSES - 1)))
    return ramp(style, CLASSES)


@cache
def confidence_classes() -> NDArray[np.uint8]:
    """Return the colour class of each step of confidence; the first, 0, is for `NO_CONFIDENCE` alone."""
    rated = 1 + np.digitize(np.arange(CONFIDENCE_STEPS + 1) / CONFIDENCE_STEPS, CONFIDENCE_EDGES)
    classes = np.append(rated, 0).astype(np.uint8)
    classes.flags.writeable = False
    return classes


@cache
def area_classes() -> NDArray[np.uint8]:
    """Return the colour class of each bin of area."""
    lower = np.concatenate(([0.0], np.exp2(np.arange(AREA_BINS - 1) / 2)))
    classes = np.digitize(lower * (1 + 1e-9), AREA_EDGES_M2).astype(np.uint8)
    classes.flags.writeable = False
    return classes
