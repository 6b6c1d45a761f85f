import pytest
from playwright.sync_api import expect

PHONE = (420, 860)


@pytest.fixture
def phone(make_screen, owners_cookies):
    return make_screen(PHONE, owners_cookies)


def assert_fits(screen):
    wide = screen.page.evaluate("""() => {
      const found = []
      const walk = (root) => root.querySelectorAll("*").forEach((one) => {
        const box = one.getBoundingClientRect()
        if (box.width > 0 && box.height > 0 && box.right > window.innerWidth + 1 &&
            getComputedStyle(one).visibility !== "hidden") {
          found.push(`${one.tagName}.${one.className} ${Math.round(box.right)}`)
        }
        if (one.shadowRoot) { walk(one.shadowRoot) }
      })
      walk(document)
      return found.slice(0, 8)
    }""")
    assert wide == []
    assert screen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_map_fits_with_the_drawer_closed_and_its_tools_at_hand(phone, scene, finished_job):
    phone.open_map(scene.id, finished_job.id)
    phone.page.wait_for_timeout(800)
    assert_fits(phone)
    expect(phone.page.get_by_text("Ground resolution")).to_be_hidden()
    view = phone.view()
    assert view.x_m_per_px == pytest.approx(view.y_m_per_px, rel=2e-3)
    for name in ("Draw polygon", "Draw box", "Undo", "Clear", "Zoom in", "Extract here"):
        box = phone.button(name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= PHONE[0]
    phone.button("Open drawer").click()
    expect(phone.page.get_by_text("Ground resolution")).to_be_visible()


@pytest.mark.parametrize("path", ["/upload", "/jobs"])
def test_other_pages_fit(phone, path, scene, finished_job):
    phone.open(path)
    expect(phone.page.get_by_text("made_town.tif").first).to_be_visible()
    assert_fits(phone)
