"""What the colours of the footprints mean, as HTML."""

from __future__ import annotations

from pages.map.review_words import REVIEW_WORDS
from processing.footprint_index.legend import legend as colours_of
from processing.footprint_index.palettes import UNRATED, Colour, Style

ENDS = {
    "density": ("few buildings", "many"),
    "confidence": ("doubtful", "confident"),
    "area": ("small", "large"),
}
ANY_ZOOM = 12
"""Colours are the same at every zoom, and the words for the ends of densities are too."""
LABELS = {
    "Confidence": "confidence", "Density": "density", "Roof area": "area", "Extraction": "job", "Review": "review",
}  # fmt: skip


def legend(style: Style) -> str:
    """Return a bar with its two ends, or a list of colours with their meanings."""
    entries = colours_of(style, ANY_ZOOM, states=tuple(REVIEW_WORDS))
    if style.colour_by in ENDS:
        low, high = ENDS[style.colour_by]
        stops = ", ".join(_css(entry.colour) for entry in entries if entry.label is None)
        return (
            f'<div class="bf-legend"><i style="background: linear-gradient(to right, {stops})"></i>'
            f"<span>{low}</span><span>{high}</span></div>{_unrated(style)}"
        )
    if style.colour_by == "job":
        return '<p class="bf-note">Each extraction has a colour of its own.</p>'
    items = "".join(
        f'<li><i style="background: {_css(entry.colour)}"></i>{REVIEW_WORDS[entry.label or ""].lower()}</li>'
        for entry in entries
    )
    return f'<ul class="bf-keys">{items}</ul>'


def _unrated(style: Style) -> str:
    if style.colour_by != "confidence":
        return ""
    return f'<ul class="bf-keys"><li><i style="background: {_css(UNRATED[style.theme])}"></i>not stated</li></ul>'


def _css(colour: Colour) -> str:
    red, green, blue = colour
    return f"rgb({red} {green} {blue})"
