import re

import geopandas
import pytest
import shapely
from playwright.sync_api import expect

from tests.browser.screen import Screen
from tests.browser.test_upload import choose
from tests.support.footprint_files import feature, town_features, write_geojson
from webapp.services import imports
from webapp.services.users import find_user

ZOOMED_IN = "() => { const x = Bokeh.documents[0].get_model_by_name('map').x_range; return x.end - x.start < 2000 }"
HOUSES = [shapely.box(west, 47.0, west + 4e-4, 47.0003) for west in (8.0, 8.0006, 8.0012)]


@pytest.fixture(scope="module")
def make_cookies(site, browser):
    def make(username):
        site.person(username)
        context = browser.new_context()
        Screen(context.new_page(), site).sign_in(username, target="/jobs")
        cookies = context.cookies()
        context.close()
        return cookies

    return make


@pytest.fixture(scope="module")
def importers_cookies(make_cookies):
    return make_cookies("importer")


@pytest.fixture
def importers_screen(make_screen, importers_cookies):
    return make_screen(cookies=importers_cookies)


def test_a_file_of_footprints_is_reported_on_and_seen_on_the_map(importers_screen, tmp_path):
    screen, page = importers_screen, importers_screen.page
    features = [feature(house, id=f"H{index}", storeys=index + 1) for index, house in enumerate(HOUSES)]
    path = write_geojson(tmp_path / "houses.geojson", [*features, features[0]])
    screen.open("/upload")
    choose(screen, path)
    expect(page.get_by_text("3 buildings imported").first).to_be_visible()
    finding = page.get_by_text("1 left out: repeats an earlier row")
    expect(finding).to_be_visible()
    finding.click()
    expect(page.get_by_text("the same shape as row 1")).to_be_visible()
    page.wait_for_timeout(1500)  # the page goes on reading, and what was opened stays so
    expect(page.get_by_text("the same shape as row 1")).to_be_visible()

    page.get_by_role("link", name="Show on the map").first.click()
    expect(page.locator(".bf-figures b").first).to_have_text("3")
    expect(page.get_by_text("Confidence is not stated for all of them.")).to_be_visible()
    page.wait_for_function(ZOOMED_IN)
    screen.settled_view()
    screen.click_map(0.5, 0.5)
    card = page.locator(".bf-details")
    for words in ("not stated", "imported", "houses.geojson", "H1", "storeys"):
        expect(card.get_by_text(words, exact=True)).to_be_visible()

    screen.open("/jobs")
    row = page.locator("[data-job]").first
    for words in ("Finished", "houses.geojson", "import", "4 of 4 rows"):
        expect(row).to_contain_text(words)
    screen.button("Details").first.click()
    expect(page.get_by_text(re.compile("Imported 3 buildings"))).to_be_visible()
    expect(page.get_by_text("1 left out: repeats an earlier row")).to_be_visible()


def test_what_a_file_lacks_is_asked_for(importers_screen, tmp_path):
    path = tmp_path / "utm.parquet"
    geopandas.GeoDataFrame(geometry=[shapely.box(500000, 5300000, 500020, 5300010)], crs=None).to_parquet(path)
    screen = importers_screen
    screen.open("/upload")
    choose(screen, path)
    expect(screen.page.get_by_role("alert")).to_contain_text("utm.parquet names no coordinate reference system")
    screen.complaints.clear()  # Chromium reports the 422 itself
    screen.page.get_by_placeholder("EPSG:2272").fill("EPSG:32633")
    screen.button("Try again").click()
    expect(screen.page.get_by_text("1 building imported").first).to_be_visible()
    expect(screen.page.get_by_role("alert")).to_have_count(0)


def test_a_damaged_file_is_refused_and_an_import_is_deleted_after_a_question(make_screen, make_cookies, site, tmp_path):
    screen = make_screen(cookies=make_cookies("careful"))
    broken = tmp_path / "broken.geojson"
    broken.write_text('{"type":"FeatureCollection","features":[{"type":')
    screen.open("/upload")
    choose(screen, broken)
    expect(screen.page.get_by_role("alert")).to_contain_text("broken.geojson cannot be read")
    screen.complaints.clear()
    choose(screen, write_geojson(tmp_path / "town.geojson", town_features()))
    expect(screen.page.get_by_text("6 buildings imported").first).to_be_visible()
    screen.button("Delete").click()
    expect(screen.page.get_by_text("all footprints that came from it are removed for good")).to_be_visible()
    screen.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(screen.page.get_by_text("No imports yet.")).to_be_visible()
    assert imports.list_imports(site.resources, find_user(site.resources, "careful")) == []
