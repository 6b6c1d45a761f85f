"""What narrows the map: a range dragged over a histogram, a review, and back."""

import json
import re

import pytest
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


def drag_over(screen, number, start, end):
    """Drag over a histogram, between two shares of its width."""
    chart = screen.page.locator(".bf-histogram").nth(number)
    screen.page.wait_for_function(DRAWN)
    screen.page.wait_for_timeout(800)  # the drawer takes its form as figures arrive
    box = chart.bounding_box()
    y = box["y"] + 0.55 * box["height"]
    screen.page.mouse.move(box["x"] + start * box["width"], y)
    screen.page.mouse.down()
    screen.page.mouse.move(box["x"] + end * box["width"], y, steps=6)
    screen.page.mouse.up()


def test_a_range_dragged_over_a_histogram_filters_map_figures_and_downloads(screen, scene, finished_job, shown):
    screen.open_map(scene.id, finished_job.id)
    expect(shown).to_have_text(str(finished_job.footprint_count))
    asked = []
    screen.page.on("request", lambda request: asked.append(request.url))
    for _ in range(3):  # on a busy machine the chart may be drawn anew under the hand, which lets go of the drag
        drag_over(screen, 1, 0.1, 0.55)
        screen.page.wait_for_timeout(4000)
        if shown.inner_text() not in ("0", str(finished_job.footprint_count)):
            break
    expect(screen.page.get_by_text(re.compile(r"^Only .* m²$"))).to_be_visible()
    expect(shown).not_to_have_text(str(finished_job.footprint_count))
    left = int(shown.inner_text())
    assert 0 < left < finished_job.footprint_count
    screen.wait_until(lambda: any("max_area_m2=" in url and "/tiles/footprints/" in url for url in asked), "new tiles")
    areas = [feature["properties"]["area_m2"] for feature in download(screen)]
    assert len(areas) == left
    screen.button("Show all").click()
    expect(shown).to_have_text(str(finished_job.footprint_count))
    expect(screen.button("Show all")).to_be_hidden()


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


def test_all_of_a_person_s_buildings_at_once(screen, scene, finished_job, shown, site, owner):
    """Nothing of the result of one job stays chosen, and the scope keeps its choice."""
    again = jobs.submit_extraction(site.resources, owner, scene.id, ExtractionParams())
    wait_until(lambda: jobs.get_job(site.resources, owner, again.id).is_finished, 90, "a second extraction")
    screen.open_map(scene.id, finished_job.id)
    expect(shown).to_have_text(str(finished_job.footprint_count))
    screen.page.get_by_text("All my buildings").click()
    query = MapQuery(FootprintQuery())
    total = footprint_maps.statistics(site.resources, owner, query).count
    assert total >= 2 * finished_job.footprint_count
    expect(shown).to_have_text(str(total))
    everything = screen.button("Everything")
    expect(everything).to_have_attribute("aria-pressed", "true")
    assert len(download(screen)) == total
