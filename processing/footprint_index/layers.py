"""What rendering sums up for each pixel before it gets a colour."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.compiling import inlined

COUNT, CONFIDENCE, AREA, SOURCE, REVIEW = range(5)
"""What a pixel's colour tells."""


class Layers(NamedTuple):
    """(height_px, width_px) each; those that a colour does not need have no pixels."""

    counts: NDArray[np.float32]
    value: NDArray[np.float32]
    """Sum of confidence (in steps) or of area (m²)."""
    rated: NDArray[np.float32]
    """How many of `counts` have a confidence."""
    winner: NDArray[np.uint8]
    """The colour class that most footprints have."""
    votes: NDArray[np.int32]


class Painter(NamedTuple):
    """How a footprint gets its colour class: by looking up its quantity."""

    quantity: int
    classes: NDArray[np.uint8]
    """By step of confidence (`NO_CONFIDENCE` among them), bin of area, ordinal of the source or state of review."""


def empty_layers(height_px: int, width_px: int, quantity: int) -> Layers:
    """Return layers without a footprint."""
    shape, none = (height_px, width_px), (0, 0)
    sums, wins = quantity in (CONFIDENCE, AREA), quantity in (SOURCE, REVIEW)
    return Layers(
        np.zeros(shape, np.float32), np.zeros(shape if sums else none, np.float32),
        np.zeros(shape if quantity == CONFIDENCE else none, np.float32),
        np.zeros(shape if wins else none, np.uint8), np.zeros(shape if wins else none, np.int32),
    )  # fmt: skip


@inlined
def elect(layers: Any, row: int, column: int, winner: Any, weight: int) -> None:
    """Count the votes of footprints for the colour class of a pixel, as `cells.vote` does."""
    votes = layers.votes[row, column]
    if votes == 0 or layers.winner[row, column] == winner:
        layers.winner[row, column] = winner
        layers.votes[row, column] = votes + weight
    elif weight > votes:
        layers.winner[row, column] = winner
        layers.votes[row, column] = weight - votes
    else:
        layers.votes[row, column] = votes - weight
