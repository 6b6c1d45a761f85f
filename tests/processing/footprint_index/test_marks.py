"""Pixels alone become crosses, others stay, also along the edges of tiles."""

import io

import numpy as np
import pytest
from PIL import Image

from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.marks import MARK_MARGIN_PX, with_marks
from processing.footprint_index.palettes import Style
from processing.footprint_index.render import render_tile, render_view
from processing.rendering.tile_grid import TileAddress
from tests.processing.footprint_index.made_footprints import batch_of, square_deg


def drawn(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3] > 0


def marked(pixels):
    """Return what becomes of a small picture."""
    wide = np.zeros((pixels.shape[0] + 2 * MARK_MARGIN_PX, pixels.shape[1] + 2 * MARK_MARGIN_PX + 1), np.uint8)
    wide[MARK_MARGIN_PX:-MARK_MARGIN_PX, MARK_MARGIN_PX + 1 : -MARK_MARGIN_PX] = pixels
    return with_marks(wide)[:, 1:]


def test_a_pixel_alone_becomes_a_cross_and_neighbours_stay():
    pixels = np.zeros((9, 12), np.uint8)
    pixels[1, 1], pixels[4, 7:9], pixels[8, 11] = 5, 9, 3
    expected = pixels.copy()
    for row, column, value in ((0, 1, 5), (2, 1, 5), (1, 0, 5), (1, 2, 5), (7, 11, 3), (8, 10, 3)):
        expected[row, column] = value
    assert (marked(pixels) == expected).all()


def test_random_pictures_by_the_rule_itself():
    rng = np.random.default_rng(4)
    for share in (0.01, 0.1, 0.5):
        pixels = (rng.random((40, 50)) < share).astype(np.uint8)
        around = np.pad(pixels, 2)
        steps = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]
        neighbours = sum(np.roll(around, step, (0, 1)) for step in steps)
        alone = (around == 1) & (neighbours == 0)
        grown = sum(np.roll(alone, shift, axis) for shift in (-1, 1) for axis in (0, 1)) > 0
        assert (marked(pixels).astype(bool) == (around.astype(bool) | grown)[2:-2, 2:-2]).all()


@pytest.mark.parametrize("zoom", [3, 9, 12])
def test_a_cross_over_the_edges_of_tiles_is_whole(tmp_path, zoom):
    index = FootprintIndex(tmp_path / "index")
    index.apply(batch_of([square_deg(1e-6, 1e-6, 1e-5)]))
    middle, style = 2 ** (zoom - 1), Style("confidence")

    def tile(x, y):
        return drawn(render_tile(index.snapshot(), TileAddress(zoom, x, y), 256, style))

    seen = np.vstack([np.hstack([tile(x, y) for x in (middle - 1, middle)]) for y in (middle - 1, middle)])
    assert seen.sum() == 5
    side = TileAddress(zoom, 0, 0).size_m
    view = drawn(render_view(index.snapshot(), (-side, -side, side, side), (512, 512), style))
    assert (view == seen).all()
