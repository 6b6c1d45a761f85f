import json
import re

from playwright.sync_api import expect

from webapp.services import jobs


def test_region_is_extracted_with_progress_and_a_result(screen, scene, town, site, owner):
    screen.open_map(scene.id)
    screen.start("Draw box")
    screen.drag_map((0.2, 0.12), (0.8, 0.6))
    expect(screen.target).to_contain_text("Drawn region")
    expect(screen.page.locator("[data-estimate]")).to_have_text(re.compile(r"^\d+ windows? · under a minute"))
    screen.button("Extract here").click()
    expect(screen.page.get_by_text(re.compile(r"\d+ of \d+ windows")).first).to_be_visible()
    expect(screen.button("Cancel")).to_be_visible()
    expect(screen.page.get_by_text("Finished", exact=True)).to_be_visible(timeout=60_000)
    result = screen.page.get_by_text(re.compile(r"\d+ buildings · .* of roof"))
    expect(result).to_be_visible()
    job = jobs.list_jobs(site.resources, owner, limit=1)[0]
    assert job.aoi_geojson is not None
    assert 0 < job.footprint_count < len(town.roofs)
    expect(result).to_contain_text(f"{job.footprint_count} buildings")
    expect(screen.button("Cancel")).to_be_hidden()


def test_running_job_is_cancelled(screen, scene, site, owner):
    screen.open_map(scene.id)
    screen.button("Extract here").click()
    screen.button("Cancel").click()
    expect(screen.page.get_by_text("Cancelled", exact=True)).to_be_visible(timeout=60_000)
    assert jobs.list_jobs(site.resources, owner, limit=1)[0].state == "cancelled"


def test_hover_and_click_tell_about_a_footprint(screen, scene, finished_job):
    screen.open_map(scene.id, finished_job.id)
    screen.page.wait_for_function(
        """(count) => Bokeh.documents[0].get_model_by_name("map").renderers
               .find((one) => one.name === "footprint-shapes").data_source.data.xs.length === count""",
        arg=finished_job.footprint_count,
    )
    ring = screen.shape("footprint-shapes")
    middle = [sum(values) / len(values) for values in zip(*ring, strict=True)]
    x, y = screen.view().pixel_of(*middle)
    screen.page.mouse.move(x - 1, y)
    screen.page.mouse.move(x, y)
    expect(screen.page.get_by_text(f"job {finished_job.id[:8]}")).to_be_visible()
    screen.page.mouse.click(x, y)
    expect(screen.page.get_by_role("heading", name="Building", exact=True)).to_be_visible()
    expect(screen.page.get_by_text(finished_job.id[:8], exact=True)).to_be_visible()
    assert len(screen.shape("selected")) == len(ring)
    screen.button("Close").click()
    expect(screen.page.get_by_role("heading", name="Building", exact=True)).to_be_hidden()


def test_exports_are_plain_downloads_of_the_result_or_of_the_view(screen, scene, finished_job):
    screen.open_map(scene.id, finished_job.id)
    for label, suffix in (("GeoJSON", ".geojson"), ("Shapefile", ".zip"), ("CSV", ".csv"), ("KML", ".kml")):
        with screen.page.expect_download() as download:
            screen.page.get_by_role("link", name=label, exact=True).click()
        assert download.value.suggested_filename.endswith(suffix)
        content = download.value.path().read_bytes()
        assert len(content) > 500, label
        if label == "GeoJSON":
            assert len(json.loads(content)["features"]) == finished_job.footprint_count
    before = screen.view()
    screen.button("Zoom in").click()
    screen.wait_until(lambda: screen.view().x_m_per_px < 0.6 * before.x_m_per_px, "zoom in")
    screen.button("Current view").click()
    shown = screen.page.locator(".bf-figures b").first
    expect(shown).not_to_have_text(str(finished_job.footprint_count))
    screen.settled_view()
    with screen.page.expect_download() as download:
        screen.page.get_by_role("link", name="GeoJSON", exact=True).click()
    features = json.loads(download.value.path().read_bytes())["features"]
    assert 0 < len(features) < finished_job.footprint_count
    expect(shown).to_have_text(str(len(features)))
