import time

import pytest
from bokeh.document import Document
from bokeh.plotting import figure
from shapely import MultiPolygon, Polygon, box

from pages.map.canvas import LAYOUT_SETTLES_S, MapCanvas, fitted, rings_of
from pages.map.drawing import Drawing, Mode
from pages.map.tile_layer import SETTLES_TICKS, TileLayer


def tell_size(canvas, width_px, height_px):
    """Do what arrives from the browser when the frame has a size."""
    canvas.figure.set_from_json("inner_width", width_px)
    canvas.figure.set_from_json("inner_height", height_px)
    canvas.resized()


def shown(plot):
    return [one.tile_source.url for one in plot.renderers if one.visible]


def test_fitted_bounds_hold_all_and_have_square_pixels():
    for size_px in ((1000, 500), (400, 800)):
        west, south, east, north = fitted((0.0, 0.0, 600.0, 300.0), *size_px)
        assert west < 0 < 600 < east
        assert south < 0 < 300 < north
        assert (east - west) / size_px[0] == pytest.approx((north - south) / size_px[1])


def test_scene_is_fitted_again_when_the_browser_has_told_its_size():
    canvas = MapCanvas()
    canvas.fit((0.0, 0.0, 1000.0, 1000.0))
    guessed = canvas.view.bounds_m
    tell_size(canvas, 0, 800)
    assert canvas.view.bounds_m == guessed
    tell_size(canvas, 400, 800)
    assert canvas.view.bounds_m != guessed
    assert canvas.view.m_per_px == pytest.approx((canvas.view.bounds_m[3] - canvas.view.bounds_m[1]) / 800)


def test_a_first_size_that_comes_late_fits_the_scene_all_the_same(monkeypatch):
    canvas = MapCanvas()
    canvas.fit((0.0, 0.0, 1000.0, 1000.0))
    later = time.monotonic() + 60
    monkeypatch.setattr("pages.map.canvas.time.monotonic", lambda: later)
    tell_size(canvas, 400, 800)
    assert canvas.view.bounds_m == pytest.approx(fitted((0.0, 0.0, 1000.0, 1000.0), 400, 800))
    tell_size(canvas, 420, 800)
    assert canvas.view.bounds_m == pytest.approx(fitted((0.0, 0.0, 1000.0, 1000.0), 420, 800))


def test_later_sizes_leave_the_view_to_the_person(monkeypatch):
    canvas = MapCanvas()
    tell_size(canvas, 400, 800)
    canvas.fit((0.0, 0.0, 1000.0, 1000.0))
    before = canvas.view.bounds_m
    later = time.monotonic() + LAYOUT_SETTLES_S + 1
    monkeypatch.setattr("pages.map.canvas.time.monotonic", lambda: later)
    tell_size(canvas, 500, 800)
    assert canvas.view.bounds_m == before


def test_a_size_told_after_a_zoom_leaves_the_zoom():
    canvas = MapCanvas()
    tell_size(canvas, 400, 800)
    canvas.fit((0.0, 0.0, 1000.0, 1000.0))
    canvas.zoom(2.0)
    zoomed = canvas.view.bounds_m
    tell_size(canvas, 420, 800)
    assert canvas.view.bounds_m == zoomed


def test_a_move_is_told_between_two_ends_of_a_hold():
    canvas = MapCanvas()
    document = Document()
    document.add_root(canvas.figure)
    told = []
    document.on_change(lambda event: told.append(event.attr))
    canvas.zoom(2.0)
    assert told == ["hold_render", "start", "end", "start", "end", "hold_render"]
    assert canvas.figure.hold_render is False


def test_rings_keep_parts_and_holes_apart():
    holed = Polygon(box(0, 0, 10, 10).exterior.coords, [box(2, 2, 4, 4).exterior.coords])
    xs, ys = rings_of(MultiPolygon([holed, box(20, 0, 30, 10)]))
    assert [len(part) for part in xs] == [2, 1]
    assert all(len(ring) == 4 for part in ys for ring in part)


def test_drawing_shows_corners_and_region():
    canvas = MapCanvas()
    canvas.draw(Drawing(Mode.POLYGON, ((0, 0), (5, 0)), box(0, 0, 9, 9)))
    assert canvas.corners.data["x"] == [0, 5]
    assert len(canvas.region.data["xs"]) == 1
    canvas.draw(Drawing())
    assert canvas.region.data["xs"] == []


def test_newer_tiles_load_over_the_present_ones_before_these_go():
    plot = figure()
    layer = TileLayer(plot, "footprints")
    layer.show("/v1")
    assert shown(plot) == ["/v1"]
    layer.renew("/v2")
    assert sorted(shown(plot)) == ["/v1", "/v2"]
    for _ in range(SETTLES_TICKS):
        layer.tick()
    assert shown(plot) == ["/v2"]


def test_states_that_come_quickly_do_not_queue_up():
    plot = figure()
    layer = TileLayer(plot, "footprints")
    layer.show("/v1")
    for state in range(2, 9):
        layer.renew(f"/v{state}")
    assert sorted(shown(plot)) == ["/v1", "/v2"]
    for _ in range(2 * SETTLES_TICKS):
        layer.tick()
    assert shown(plot) == ["/v8"]


def test_hidden_layer_asks_for_no_tiles():
    plot = figure()
    layer = TileLayer(plot, "imagery")
    layer.show("/scene")
    layer.dress(visible=False, opacity=1.0)
    assert shown(plot) == []
    layer.renew("/scene?v=2")
    layer.dress(visible=True, opacity=0.5)
    assert shown(plot) == ["/scene?v=2"]
    layer.show("")
    assert shown(plot) == []
