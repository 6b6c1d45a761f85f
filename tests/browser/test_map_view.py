import pytest
from playwright.sync_api import expect


def assert_square(view):
    assert view.x_m_per_px == pytest.approx(view.y_m_per_px, rel=2e-3)


def test_metres_per_pixel_are_equal_at_load_after_zoom_and_after_resize(screen, scene):
    screen.open_map(scene.id)
    at_load = screen.view()
    assert_square(at_load)
    screen.page.mouse.move(at_load.left + 500, at_load.top + 300)
    screen.page.mouse.wheel(0, -240)
    screen.wait_until(lambda: screen.view().x_m_per_px < 0.95 * at_load.x_m_per_px, "the wheel zooms")
    zoomed = screen.settled_view()
    assert_square(zoomed)
    for size in ({"width": 900, "height": 800}, {"width": 1300, "height": 620}):
        screen.page.set_viewport_size(size)
        screen.wait_until(lambda: screen.view().width != zoomed.width, "the map takes the new size")
        assert_square(screen.settled_view())


def test_scene_fills_the_view_and_zoom_buttons_work(screen, scene):
    screen.open_map(scene.id)
    start = screen.view()
    outline = screen.shape("scene-outline")
    for x_m, y_m in outline:
        assert start.west < x_m < start.east
        assert start.south < y_m < start.north
    screen.button("Zoom in").click()
    screen.wait_until(lambda: screen.view().x_m_per_px == pytest.approx(start.x_m_per_px / 2, rel=0.01), "zoom in")
    screen.button("Show the whole scene").click()
    screen.wait_until(lambda: screen.view().x_m_per_px == pytest.approx(start.x_m_per_px, rel=0.01), "zoom to fit")


def test_every_step_of_the_zoom_is_whole(screen, scene):
    """Many steps: a paint between two ends of one range used to leave a wrong view once in several."""
    screen.open_map(scene.id)
    start = screen.view()
    for step in range(6):
        for button, share in (("Zoom in", 0.5), ("Zoom out", 1.0)):
            screen.button(button).click()
            wanted = pytest.approx(share * start.x_m_per_px, rel=1e-3)
            screen.wait_until(lambda wanted=wanted: screen.view().x_m_per_px == wanted, f"{button}, step {step}")
    assert screen.settled_view().pixel_of(start.west, start.north) == pytest.approx((start.left, start.top), abs=1)


def test_imagery_and_base_map_come_as_tiles_of_this_site(screen, scene):
    seen: list[tuple[str, int]] = []
    screen.page.on("response", lambda response: seen.append((response.url, response.status)))
    screen.open_map(scene.id)
    for kind in ("/tiles/base/", f"/tiles/scenes/{scene.id}/"):
        screen.wait_until(lambda kind=kind: any(kind in url for url, _ in seen), f"{kind} is asked for")
    assert {status for url, status in seen if "/tiles/" in url} == {200}


def test_dark_look_is_kept_from_page_to_page(screen, scene):
    screen.open_map(scene.id)
    screen.button("Toggle theme").click()
    expect(screen.page.locator(".mui-dark").first).to_be_visible()
    screen.page.wait_for_function(
        """() => Bokeh.documents[0].get_model_by_name("map").renderers
               .some((one) => one.name === "base-a" && one.tile_source.url.includes("dark"))"""
    )
    screen.open("/jobs")
    expect(screen.page.locator(".mui-dark").first).to_be_visible()
