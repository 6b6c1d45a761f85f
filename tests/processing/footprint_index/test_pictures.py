"""Pictures as they are served: the PNG, its colours, legends, and that drawing leaves nothing behind."""

import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

from processing.errors import ParameterInvalid
from processing.footprint_index.density_scale import density_scale
from processing.footprint_index.grid import tile_window
from processing.footprint_index.legend import legend
from processing.footprint_index.palettes import QUANTITIES, THEMES, Style
from processing.footprint_index.render import render_tile, render_view
from processing.rendering.tile_grid import TileAddress
from tests.processing.footprint_index.conftest import Known
from tests.processing.footprint_index.made_footprints import mercator
from tests.processing.footprint_index.test_rendering_oracle import busiest_tile


def pixels(png: bytes) -> Any:
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P"
    return np.asarray(image.convert("RGBA"))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("colour_by", QUANTITIES)
@pytest.mark.parametrize("zoom", [9, 12, 15, 18])
def test_every_style_draws_at_every_scale(known: Known, zoom: int, colour_by: str, theme: str) -> None:
    address, style = busiest_tile(known.rows, zoom), Style(colour_by, theme)

    first = render_tile(known.snapshot, address, 256, style)

    image = pixels(first)
    assert image.shape == (256, 256, 4)
    assert 0 < np.count_nonzero(image[..., 3]) < 256 * 256
    assert render_tile(known.snapshot, address, 256, style) == first
    assert render_tile(known.snapshot, address, 512, style) != first


@pytest.mark.parametrize("zoom", [10, 12, 15, 17])
def test_four_tiles_are_one_view(known: Known, zoom: int) -> None:
    """Colours are the same in neighbouring tiles, and no building is cut at an edge."""
    at = busiest_tile(known.rows, zoom)
    tiles = [[TileAddress(zoom, at.x + dx, at.y + dy) for dx in (0, 1)] for dy in (0, 1)]
    west, _, _, north = tiles[0][0].bounds_m
    _, south, east, _ = tiles[1][1].bounds_m

    view = pixels(render_view(known.snapshot, (west, south, east, north), (512, 512)))

    joined = np.vstack([np.hstack([pixels(render_tile(known.snapshot, tile)) for tile in row]) for row in tiles])
    np.testing.assert_array_equal(view, joined)


def test_outlines_are_crisp_where_buildings_are_looked_at(known: Known) -> None:
    west, south, east, north = mercator(known.rows.geometries[:1])[0].bounds
    x, y = (west + east) / 2, (south + north) / 2

    image = pixels(render_view(known.snapshot, (x - 30, y - 20, x + 30, y + 20), (1200, 800), Style("job")))

    opacity = image[..., 3]
    assert np.count_nonzero(opacity == 255) > 500
    assert 90 < np.median(opacity[opacity > 0]) < 105
    assert opacity[400, 600] == np.median(opacity[opacity > 0])


def test_the_scale_of_densities_depends_on_the_zoom_alone(known: Known) -> None:
    near, far = (density_scale(tile_window(TileAddress(8, x, y), 256)) for x, y in ((0, 0), (200, 130)))
    assert near == far
    entries = legend(Style("density"), 8)
    assert entries[0].low is not None
    assert entries[0].low < near.low < near.high
    assert all(before.high == pytest.approx(after.low) for before, after in pairwise(entries))


def test_legends_name_what_colours_mean(known: Known) -> None:
    assert [entry.label for entry in legend(Style("job"), 10, known.snapshot.jobs)] == list(known.snapshot.jobs)
    assert [entry.label for entry in legend(Style("review"), 10, states=("new", "right"))] == ["new", "right"]
    confidence = legend(Style("confidence"), 10)
    assert (confidence[0].low, confidence[-2].high, confidence[-1].label) == (0.0, 1.0, "none")
    assert len({entry.colour for entry in confidence}) == 8
    assert legend(Style("area"), 10)[3].low == 128.0


def test_confidence_colours_a_single_building_by_its_own_value(known: Known) -> None:
    entries = legend(Style("confidence"), 18)
    for at in (3, 90, 700):
        shape = mercator(known.rows.geometries[at : at + 1])[0]
        x, y = shape.centroid.x, shape.centroid.y
        image = pixels(render_view(known.snapshot, (x - 0.5, y - 0.5, x + 0.5, y + 0.5), (8, 8), Style("confidence")))
        value = known.rows.confidence[at]
        expected = next(entry for entry in entries if entry.low <= value < entry.high or value == entry.high == 1.0)
        assert tuple(image[4, 4, :3]) == expected.colour


def test_unknown_names_and_sizes_are_refused(known: Known) -> None:
    for bad in ({"colour_by": "height"}, {"theme": "blue"}):
        with pytest.raises(ParameterInvalid):
            Style(**bad)
    with pytest.raises(ParameterInvalid, match="size_px"):
        render_tile(known.snapshot, TileAddress(1, 0, 0), 300)
    with pytest.raises(ParameterInvalid, match="size"):
        render_view(known.snapshot, (0.0, 0.0, 1.0, 1.0), (0, 10))
