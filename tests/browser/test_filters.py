"""What narrows the map: a range dragged over a histogram, a review, and back."""

import json
import re
from contextlib import suppress
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from playwright.sync_api import expect

from processing.params import ExtractionParams
from tests.support.processes import wait_until
from webapp.services import footprint_maps, footprints, jobs
from webapp.services.footprint_maps import MapQuery
from webapp.services.footprints import FootprintQuery

DRAWN = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const bars = models.filter((model) => model.data?.get?.("top") ?? model.data?.top)
  return bars.length >= 2 && bars.every((model) => (model.data.top ?? model.data.get("top")).some((count) => count > 0))
}"""


@pytest.fixture
def shown(screen):
    """The number of buildings that the drawer tells."""
    return screen.page.locator(".bf-figures b").first


def download(screen):
    with screen.page.expect_download() as waiting:
        screen.page.get_by_role("link", name="GeoJSON", exact=True).click()
    return json.loads(waiting.value.path().read_bytes())["features"]


def drag_over(screen, number, start, end, hesitate_ms=0):
    """Drag over a histogram, between two shares of its width, after a moment with the button down."""
    chart = screen.page.locator(".bf-histogram").nth(number)
    screen.page.wait_for_function(DRAWN)
    screen.page.wait_for_timeout(800)  # the drawer takes its form as figures arrive
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    y = box["y"] + 0.55 * box["height"]
    screen.page.mouse.move(box["x"] + start * box["width"], y)
    screen.page.mouse.down()
    screen.page.wait_for_timeout(hesitate_ms)
    screen.page.mouse.move(box["x"] + end * box["width"], y, steps=6)
    screen.page.mouse.up()


@pytest.fixture
def asked(screen):
    """The addresses that the page has asked for."""
    found = []
    screen.page.on("request", lambda request: found.append(request.url))
    return found


def fields_of_tiles(screen, asked, name):
    """Return the filters in the newest address of a tile, which has a certain one."""
    def newest():
        urls = [url for url in asked if "/tiles/footprints/" in url and f"{name}=" in url]
        return dict(parse_qsl(urlsplit(urls[-1]).query)) if urls else None

    screen.wait_until(newest, f"tiles with {name}")
    return {name: value for name, value in newest().items() if name not in ("colour_by", "theme", "v")}


def assert_all_agree(screen, asked, name, count):
    """The number on the page, the figures of the API for the filters of the tiles, and the download are the same."""
    fields = fields_of_tiles(screen, asked, name)
    answer = screen.page.request.get(f"{screen.site.url}/api/v1/buildings/statistics/view", params=fields)
    assert answer.json()["count"] == count
    assert len(download(screen)) == count


@pytest.mark.long(on=0)
@pytest.mark.parametrize("hesitate_ms", [0, 450], ids=["at once", "after a moment"])
def test_a_range_dragged_over_a_histogram_filters_map_figures_and_downloads(
    screen, scene, finished_job, shown, asked, hesitate_ms
):
    """Bokeh takes a button held for 300 ms for a press, and would let go of the drag."""
    screen.open_map(scene.id, finished_job.id)
    expect(shown).to_have_text(str(finished_job.footprint_count))
    drag_over(screen, 1, 0.1, 0.55, hesitate_ms)
    expect(screen.page.get_by_text(re.compile(r"^Only .* m²$"))).to_be_visible()
    expect(shown).not_to_have_text(str(finished_job.footprint_count))
    left = int(shown.inner_text())
    assert 0 < left < finished_job.footprint_count
    assert_all_agree(screen, asked, "max_area_m2", left)
    screen.button("Clear all").click()
    expect(shown).to_have_text(str(finished_job.footprint_count))
    expect(screen.button("Clear all")).to_be_hidden()


def test_a_drawn_area_filters_only_when_that_is_said(screen, scene, finished_job, shown, asked):
    screen.open_map(scene.id, finished_job.id)
    expect(shown).to_have_text(str(finished_job.footprint_count))
    switch = screen.page.get_by_role("switch", name="Only in the drawn area")
    expect(switch).to_be_disabled()
    screen.start("Draw box")
    screen.drag_map((0.3, 0.2), (0.6, 0.6))
    expect(screen.target).to_contain_text("Drawn region")
    expect(switch).to_be_enabled()
    expect(shown).to_have_text(str(finished_job.footprint_count))
    screen.page.get_by_text("Show only its buildings").click()
    expect(switch).to_be_checked()
    expect(screen.page.get_by_text("Only in the drawn area", exact=True).first).to_be_visible()
    expect(shown).not_to_have_text(str(finished_job.footprint_count))
    inside = int(shown.inner_text())
    assert 0 < inside < finished_job.footprint_count
    assert_all_agree(screen, asked, "region", inside)
    screen.page.reload()
    expect(shown).to_have_text(str(inside))
    screen.button("Clear").click()
    expect(shown).to_have_text(str(finished_job.footprint_count))
    expect(switch).to_be_disabled()


def choose_date(screen, label, moment, sentence):
    """Type a date; once more where the field, drawn anew in between, missed a key on a busy machine."""
    said = screen.page.get_by_text(sentence, exact=True)
    for _ in range(3):
        screen.page.get_by_role("group", name=label).get_by_role("spinbutton", name="Year").click()
        screen.page.keyboard.type(f"{moment:%Y%m%d}")
        with suppress(PlaywrightTimeoutError):
            said.wait_for(timeout=10_000)
            return
    expect(said).to_be_visible()


def test_dates_filter(screen, scene, finished_job, shown, asked):
    count, day = finished_job.footprint_count, finished_job.created_at
    screen.open_map(scene.id, finished_job.id)
    expect(shown).to_have_text(str(count))
    before = day - timedelta(days=1)
    choose_date(screen, "Until", before, f"Only until {before:%Y-%m-%d}")
    expect(shown).to_have_text("0")
    choose_date(screen, "Until", day, f"Only until {day:%Y-%m-%d}")
    expect(shown).to_have_text(str(count))
    choose_date(screen, "Since", day, f"Only of {day:%Y-%m-%d}")
    expect(shown).to_have_text(str(count))
    assert_all_agree(screen, asked, "created_from", count)


def test_a_building_that_is_wrong_can_be_said_to_be_and_left_out(screen, scene, finished_job, shown, site, owner):
    screen.open_map(scene.id, finished_job.id)
    screen.wait_until(lambda: screen.shape("footprint-shapes") is not None, "shapes")
    ring = screen.shape("footprint-shapes")
    screen.page.mouse.click(*screen.view().pixel_of(*(sum(values) / len(values) for values in zip(*ring, strict=True))))
    screen.button("Wrong").click()
    query = FootprintQuery(job_id=finished_job.id, review_states=frozenset({"rejected"}))
    screen.wait_until(lambda: footprints.count(site.resources, owner, query) == 1, "it is kept")
    screen.page.get_by_role("combobox").filter(has_text="Reviewed or not").click()
    screen.page.locator(".MuiMenuItem-root").filter(has_text="Wrong").click()
    expect(shown).to_have_text("1")
    assert [feature["properties"]["review_state"] for feature in download(screen)] == ["rejected"]


def test_all_of_a_person_s_buildings_at_once_and_those_of_one_source(
    screen, scene, finished_job, shown, site, owner, asked
):
    """Nothing of the result of one job stays chosen, and the scope keeps its choice."""
    again = jobs.submit_extraction(site.resources, owner, scene.id, ExtractionParams())
    wait_until(lambda: jobs.get_job(site.resources, owner, again.id).is_finished, 90, "a second extraction")
    again = jobs.get_job(site.resources, owner, again.id)
    screen.open_map(scene.id, finished_job.id)
    expect(shown).to_have_text(str(finished_job.footprint_count))
    screen.page.get_by_text("All my buildings", exact=True).click()
    query = MapQuery(FootprintQuery())
    total = footprint_maps.statistics(site.resources, owner, query).count
    assert total >= 2 * finished_job.footprint_count
    expect(shown).to_have_text(str(total))
    everything = screen.button("Everything")
    expect(everything).to_have_attribute("aria-pressed", "true")
    assert len(download(screen)) == total
    before = screen.view()
    screen.button("Zoom in").click()
    screen.wait_until(lambda: screen.view().x_m_per_px < 0.6 * before.x_m_per_px, "zoom in")
    screen.button("Show all my buildings").click()
    query = MapQuery(FootprintQuery())
    west, south, east, north = footprint_maps.extent(site.resources, owner, query)
    screen.wait_until(lambda: screen.view().west < west and screen.view().east > east, "all are in view")
    assert screen.view().south < south
    assert screen.view().north > north
    screen.page.get_by_role("combobox").filter(has_text="All sources").click()
    screen.page.locator(".MuiMenuItem-root").filter(has_text="UTC").first.click()
    expect(shown).to_have_text(str(again.footprint_count))
    assert_all_agree(screen, asked, "job_id", again.footprint_count)
