import re

from playwright.sync_api import expect

from processing.params import ExtractionParams
from webapp.services import jobs


def row_of(screen, job):
    return screen.page.locator(f'[data-job="{job.id}"]')


def test_list_shows_jobs_with_log_and_downloads(screen, finished_job):
    screen.open("/jobs")
    row = row_of(screen, finished_job)
    expect(row).to_contain_text("Finished")
    expect(row).to_contain_text(str(finished_job.footprint_count))
    expect(row).to_contain_text("made_town.tif")
    position = screen.page.locator("[data-job]").evaluate_all(
        "(rows, id) => rows.findIndex((row) => row.dataset.job === id)", finished_job.id
    )
    screen.button("Details").nth(position).click()
    expect(screen.page.get_by_text(re.compile("^Started: made_town.tif"))).to_be_visible()
    with screen.page.expect_download() as download:
        screen.page.locator(f'a[data-format="csv"][href*="{finished_job.id}"]').click()
    lines = download.value.path().read_text().strip().splitlines()
    assert len(lines) == finished_job.footprint_count + 1
    screen.page.locator(f'a.bf-link[href*="job={finished_job.id}"]').first.click()
    expect(screen.button("Extract here")).to_be_visible()
    expect(screen.page.locator(".bf-figures b").first).to_have_text(str(finished_job.footprint_count))


def test_job_started_elsewhere_appears_and_goes_on_without_reloading(screen, site, owner, scene):
    screen.open("/jobs")
    job = jobs.submit_extraction(site.resources, owner, scene.id, ExtractionParams())
    row = row_of(screen, job)
    expect(row).to_be_visible()
    expect(row).to_contain_text(re.compile(r"\d+ of \d+ windows"))
    expect(row).to_contain_text("Finished", timeout=60_000)


def test_job_is_cancelled_from_the_list(screen, site, owner, scene):
    screen.open("/jobs")
    ahead = [jobs.submit_extraction(site.resources, owner, scene.id, ExtractionParams()) for _ in range(3)]
    job = jobs.submit_extraction(site.resources, owner, scene.id, ExtractionParams())
    expect(row_of(screen, job)).to_be_visible()
    screen.button("Cancel").first.click()
    expect(row_of(screen, job)).to_contain_text("Cancelled")
    for other in ahead:
        jobs.cancel_job(site.resources, owner, other.id)


def test_jobs_of_others_are_not_there(make_screen, site, finished_job):
    site.person("stranger")
    screen = make_screen()
    screen.sign_in("stranger", "/jobs")
    expect(screen.page.get_by_text("No jobs yet.")).to_be_visible()
    screen.open(f"/?scene={finished_job.scene_id}&job={finished_job.id}")
    expect(screen.page.get_by_role("heading", name="Start with an image")).to_be_visible()
