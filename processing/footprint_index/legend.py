"""What the colours of a picture mean, as data: for the map page, for other programs and for their legends."""

from collections.abc import Sequence
from dataclasses import dataclass

from processing.footprint_index.density_scale import density_scale
from processing.footprint_index.grid import tile_window
from processing.footprint_index.palettes import (
    AREA_EDGES_M2,
    CLASSES,
    CONFIDENCE_EDGES,
    Colour,
    Style,
    class_colours,
    ramp,
)
from processing.rendering.tile_grid import TileAddress

_DENSITY_ENTRIES = 6
NO_CONFIDENCE_LABEL = "none"


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One colour. low, high: the range of values that it stands for; label: the job or state that it stands for."""

    colour: Colour
    low: float | None = None
    high: float | None = None
    label: str | None = None


def legend(
    style: Style, zoom: int, jobs: Sequence[str] = (), states: Sequence[str] = (), size_px: int = 256
) -> tuple[LegendEntry, ...]:
    """Return the entries of a zoom's tiles of size_px, from low to high.

    Density is in buildings per km² of true area; its ends are open. jobs: all of a snapshot; those beyond the eighth
    use the colours again. states: the names of the states of review, by their number.
    """
    if style.colour_by == "density":
        return _density(style, zoom, size_px)
    colours = [_colour(colour) for colour in class_colours(style)]
    if style.colour_by == "job":
        return tuple(LegendEntry(colours[at % CLASSES], label=job) for at, job in enumerate(jobs))
    if style.colour_by == "review":
        return tuple(LegendEntry(colours[at % CLASSES], label=state) for at, state in enumerate(states))
    if style.colour_by == "confidence":
        unrated = LegendEntry(colours[0], label=NO_CONFIDENCE_LABEL)
        return (*_between(colours[1:], (0.0, *CONFIDENCE_EDGES, 1.0)), unrated)
    return _between(colours, (0.0, *AREA_EDGES_M2, float("inf")))


def _between(colours: list[Colour], edges: tuple[float, ...]) -> tuple[LegendEntry, ...]:
    return tuple(LegendEntry(colour, edges[at], edges[at + 1]) for at, colour in enumerate(colours))


def _density(style: Style, zoom: int, size_px: int) -> tuple[LegendEntry, ...]:
    scale = density_scale(tile_window(TileAddress(zoom, 0, 0), size_px))
    colours = ramp(style, _DENSITY_ENTRIES)
    factor = (scale.high / scale.low) ** (1 / (_DENSITY_ENTRIES - 1))
    return tuple(
        LegendEntry(_colour(colour), scale.low * factor ** (at - 0.5), scale.low * factor ** (at + 0.5))
        for at, colour in enumerate(colours)
    )


def _colour(rgb: object) -> Colour:
    red, green, blue = (round(float(value)) for value in rgb)  # type: ignore[attr-defined]
    return red, green, blue
