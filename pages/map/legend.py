"""What the colours of the footprints mean, as HTML."""

from __future__ import annotations

from collections.abc import Iterable

from pages.map.review_words import REVIEW_WORDS
from processing.footprint_index.palettes import Style, class_colours, ramp

ENDS = {
    "density": ("few buildings", "many"),
    "confidence": ("doubtful", "confident"),
    "area": ("small", "large"),
}
RAMP_STEPS = 6
LABELS = {
    "Confidence": "confidence", "Density": "density", "Roof area": "area", "Extraction": "job", "Review": "review",
}  # fmt: skip


def legend(style: Style) -> str:
    """Return a bar with its two ends, or a list of colours with their meanings."""
    if style.colour_by in ENDS:
        colours = ramp(style, RAMP_STEPS) if style.colour_by == "density" else class_colours(style)
        low, high = ENDS[style.colour_by]
        stops = ", ".join(map(_css, colours))
        return (
            f'<div class="bf-legend"><i style="background: linear-gradient(to right, {stops})"></i>'
            f"<span>{low}</span><span>{high}</span></div>"
        )
    if style.colour_by == "job":
        return '<p class="bf-note">Each extraction has a colour of its own.</p>'
    entries = zip(class_colours(style), REVIEW_WORDS.values(), strict=False)
    items = "".join(f'<li><i style="background: {_css(colour)}"></i>{words.lower()}</li>' for colour, words in entries)
    return f'<ul class="bf-keys">{items}</ul>'


def _css(colour: Iterable[float]) -> str:
    red, green, blue = (round(float(value)) for value in colour)
    return f"rgb({red} {green} {blue})"
