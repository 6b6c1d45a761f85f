"""More than a download in one go should hold: the page has a file prepared, says how far it is, and offers it."""

import json
import re

from playwright.sync_api import expect

from pages.export_progress import LARGE_ROWS
from tests.browser.screen import Screen
from tests.browser.town import upload
from tests.support.processes import wait_until
from tests.support.stored import finished_job
from webapp.errors import IndexNotReady
from webapp.services import footprint_maps
from webapp.services.footprint_maps import MapQuery

BUILDINGS = LARGE_ROWS + 1


def _is_indexed(site, person):
    try:
        return footprint_maps.statistics(site.resources, person, MapQuery()).count == BUILDINGS
    except IndexNotReady:
        return False


def test_a_large_export_is_prepared_with_progress_and_can_be_downloaded(browser, site, town):
    grace = site.person("grace")
    scene = upload(site.resources, grace, town.path)
    job_id = finished_job(site.resources, grace, BUILDINGS, scene.id)
    wait_until(lambda: _is_indexed(site, grace), 60, "indexed")
    with browser.new_context(accept_downloads=True) as context:
        screen = Screen(context.new_page(), site)
        screen.page.goto(f"{site.url}/?scene={scene.id}&job={job_id}")
        screen.fill_login("grace")
        expect(screen.page.locator(".bf-figures b").first).to_have_text(f"{BUILDINGS:,}")
        expect(screen.page.get_by_role("link", name="GeoJSON", exact=True)).to_be_hidden()
        screen.button("GeoJSON").click()
        expect(
            screen.page.get_by_text(re.compile(r"Waiting for a worker|of 50,001 buildings|finishing"))
        ).to_be_visible()
        link = screen.page.locator("a[data-export]")
        expect(link).to_be_visible(timeout=120_000)
        with screen.page.expect_download() as waiting:
            link.click()
        assert len(json.loads(waiting.value.path().read_bytes())["features"]) == BUILDINGS
        assert screen.complaints == []
