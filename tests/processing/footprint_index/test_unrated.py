"""Footprints of which nobody said how sure they are: in no sum or range of confidence, and in a grey of their own."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from processing.footprint_index.filters import FootprintFilters
from processing.footprint_index.index import FootprintIndex
from processing.footprint_index.palettes import UNRATED, Style, class_colours, ramp
from processing.footprint_index.render import render_tile, render_view
from processing.footprint_index.selection import footprint_at, view_ids
from processing.footprint_index.statistics import view_statistics
from processing.footprint_index.vector_tile import vector_tile
from processing.rendering.tile_grid import TileAddress, degrees_to_mercator
from tests.processing.footprint_index.made_footprints import WORLD_M, random_batch
from tests.processing.footprint_index.mvt_reading import only_layer

EVERYWHERE = (-WORLD_M / 2, -WORLD_M / 2, WORLD_M / 2, WORLD_M / 2)
STYLE = Style("confidence")


@pytest.fixture(scope="module")
def made():
    """Footprints of which every third has no confidence."""
    batch = random_batch(3000, seed=5)
    confidence = np.where(np.arange(3000) % 3 == 0, np.nan, batch.confidence)
    return random_batch_with(batch, confidence)


def random_batch_with(batch, confidence):
    return type(batch)(**(vars(batch) | {"confidence": confidence}))


@pytest.fixture
def index(tmp_path, made):
    index = FootprintIndex(tmp_path / "index")
    index.apply(made.take(np.arange(2000)))
    index.apply(made.take(np.arange(2000, 3000)), deleted=np.arange(1, 100))
    return index


def test_sums_means_and_histograms_leave_them_out(index, made):
    left = made.confidence[99:]
    for _ in range(2):
        found = view_statistics(index.snapshot(), EVERYWHERE)
        assert found.count == len(left)
        assert found.without_confidence == np.isnan(left).sum()
        assert found.confidence_histogram.sum() == found.count - found.without_confidence
        assert found.mean_confidence == pytest.approx(np.nanmean(left), abs=1e-4)
        while index.compact():
            pass


@pytest.mark.parametrize(("low", "high"), [(None, None), (0.0, 1.0), (0.001, None), (None, 0.999), (0.3, 0.6)])
def test_only_a_range_that_is_none_holds_them(index, made, low, high):
    left = made.confidence[99:]
    is_open = not low and (high is None or high >= 1)
    keep = np.isnan(left) if is_open else np.zeros(len(left), bool)
    keep |= (left >= (low or 0)) & ((left < high) if high is not None and high < 1 else (left <= 1))
    filters = FootprintFilters(min_confidence=low, max_confidence=high)
    ids = np.concatenate([*view_ids(index.snapshot(), EVERYWHERE, filters), np.zeros(0, np.int64)])
    assert sorted(ids) == sorted(made.ids[99:][keep])


def test_they_have_a_colour_of_their_own_near_and_far(tmp_path, made):
    alone = random_batch_with(made, np.full(3000, np.nan))
    index = FootprintIndex(tmp_path / "index")
    index.apply(alone)
    snapshot = index.snapshot()
    x, y = degrees_to_mercator(*np.array(alone.geometries[0].centroid.coords).T)
    near = render_view(snapshot, (x[0] - 1, y[0] - 1, x[0] + 1, y[0] + 1), (8, 8), STYLE)
    for picture in (near, render_tile(snapshot, TileAddress(3, 3, 3), 256, STYLE)):
        assert colours(picture) == {UNRATED["light"]}
    found = footprint_at(snapshot, x[0], y[0])
    assert math.isnan(found.confidence)


def test_the_mean_of_a_pixel_is_that_of_the_others(tmp_path, made):
    sure = random_batch_with(made, np.where(np.isnan(made.confidence), np.nan, 0.95))
    index = FootprintIndex(tmp_path / "index")
    index.apply(sure)
    best = tuple(round(value) for value in ramp(STYLE, 7)[-1])
    shown = colours(render_tile(index.snapshot(), TileAddress(3, 3, 3), 256, STYLE))
    assert best in shown <= {best, UNRATED["light"]}


@pytest.mark.parametrize("filters", [FootprintFilters(), FootprintFilters(max_area_m2=1e9)], ids=["all", "filtered"])
def test_vector_tiles_do_not_state_what_nobody_stated(tmp_path, made, filters):
    pair = made.take(np.array([0, 1]))
    pair = type(pair)(**(vars(pair) | {"geometries": np.repeat(made.geometries[:1], 2)}))
    index = FootprintIndex(tmp_path / "index")
    index.apply(pair)
    centre = np.array([shape.centroid.coords[0] for shape in pair.geometries])
    for zoom in (3, 12, 16):
        x, y = degrees_to_mercator(*centre.T)
        column, row = (math.floor(value[0] / WORLD_M * 2**zoom) for value in (x + WORLD_M / 2, WORLD_M / 2 - y))
        tile = vector_tile(index.snapshot(), TileAddress(zoom, column, row), filters)
        found = {feature.id: feature.properties for feature in only_layer(tile).features}
        if zoom < 14:
            [cell] = found.values()
            assert (cell["count"], cell["mean_confidence"]) == (2, pytest.approx(pair.confidence[1], abs=2e-4))
        else:
            first, second = (found[number] for number in pair.ids.tolist())
            assert "confidence" not in first
            assert second["confidence"] == pytest.approx(pair.confidence[1], abs=2e-4)
    index.apply(deleted=pair.ids[1:])
    tile = vector_tile(index.snapshot(), TileAddress(0, 0, 0), filters)
    [alone] = only_layer(tile).features
    assert "mean_confidence" not in alone.properties


def test_the_grey_is_no_colour_of_the_ramp():
    for theme in ("light", "dark"):
        colours_of_classes = class_colours(Style("confidence", theme))
        assert len(np.unique(colours_of_classes, axis=0)) == 8
        assert tuple(colours_of_classes[0]) == UNRATED[theme]


def colours(png):
    rgba = np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))
    return {tuple(int(value) for value in colour[:3]) for colour in rgba[rgba[..., 3] > 0]}
