import pytest
from playwright.sync_api import expect


@pytest.fixture
def map_screen(screen, scene):
    screen.open_map(scene.id)
    return screen


def hint(screen):
    return screen.page.get_by_role("status")


def test_polygon_is_drawn_by_clicks_and_closed_on_its_first_corner(map_screen):
    view = map_screen.view()
    map_screen.start("Draw polygon")
    corners = [(0.35, 0.3), (0.65, 0.3), (0.65, 0.6), (0.35, 0.6)]
    for across, down in corners:
        map_screen.click_map(across, down)
    expect(hint(map_screen)).to_contain_text("4 corners")
    map_screen.click_map(*corners[0])
    expect(map_screen.target).to_contain_text("Drawn region")
    ring = map_screen.shape("region")
    expected = [
        (view.west + a * view.width * view.x_m_per_px, view.north - d * view.height * view.y_m_per_px)
        for a, d in corners
    ]
    for drawn, wanted in zip(ring, expected, strict=True):
        assert drawn == pytest.approx(wanted, abs=2 * view.x_m_per_px)


def test_undo_takes_back_corner_by_corner_and_clear_can_be_undone(map_screen):
    map_screen.start("Draw polygon")
    for place in [(0.4, 0.3), (0.6, 0.3), (0.6, 0.5), (0.45, 0.55)]:
        map_screen.click_map(*place)
    expect(hint(map_screen)).to_contain_text("4 corners")
    map_screen.button("Undo").click()
    expect(hint(map_screen)).to_contain_text("3 corners")
    map_screen.page.keyboard.press("Enter")
    expect(map_screen.target).to_contain_text("Drawn region")
    assert len(map_screen.shape("region")) == 3
    map_screen.button("Clear").click()
    expect(map_screen.target).to_contain_text("Whole scene")
    assert map_screen.shape("region") is None
    map_screen.button("Undo").click()
    expect(map_screen.target).to_contain_text("Drawn region")


def test_bow_tie_and_too_few_corners_are_answered(map_screen):
    map_screen.start("Draw polygon")
    for place in [(0.4, 0.3), (0.6, 0.5)]:
        map_screen.click_map(*place)
    map_screen.button("Finish").click()
    expect(hint(map_screen)).to_contain_text("needs at least 3 corners; this one has 2")
    for place in [(0.6, 0.3), (0.4, 0.5)]:
        map_screen.click_map(*place)
    map_screen.button("Finish").click()
    expect(hint(map_screen)).to_contain_text("edges cross each other")
    assert map_screen.shape("region") is None
    map_screen.page.keyboard.press("Escape")
    expect(hint(map_screen)).to_be_hidden()
    expect(map_screen.target).to_contain_text("Whole scene")


def test_box_is_drawn_by_a_drag_and_the_map_stays(map_screen):
    before = map_screen.view()
    map_screen.start("Draw box")
    map_screen.drag_map((0.4, 0.3), (0.6, 0.5))
    expect(map_screen.target).to_contain_text("Drawn region")
    ring = map_screen.shape("region")
    width_m = max(x for x, _ in ring) - min(x for x, _ in ring)
    assert width_m == pytest.approx(0.2 * (before.east - before.west), rel=0.02)
    assert map_screen.view() == before
    map_screen.drag_map((0.4, 0.3), (0.5, 0.3))
    map_screen.wait_until(lambda: map_screen.view().west != before.west, "after a box a drag moves the map again")


def test_region_beside_the_imagery_cannot_be_extracted(map_screen):
    before = map_screen.view()
    map_screen.button("Zoom out").click()
    map_screen.wait_until(lambda: map_screen.view().x_m_per_px > 1.9 * before.x_m_per_px, "zoom out")
    map_screen.start("Draw box")
    map_screen.drag_map((0.85, 0.4), (0.95, 0.6))
    expect(map_screen.target).to_contain_text("lies outside the imagery")
    expect(map_screen.button("Extract here")).to_be_disabled()
