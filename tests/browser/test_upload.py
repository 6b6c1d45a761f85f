import hashlib

import numpy as np
from playwright.sync_api import expect

from tests.browser.town import upload
from tests.processing.made_scenes import write_scene
from webapp.services.files import list_files
from webapp.services.scenes import list_scenes


def choose(screen, *paths):
    with screen.page.expect_file_chooser() as chooser:
        screen.button("Choose a file").click()
    chooser.value.set_files([str(path) for path in paths])


def test_uploaded_scene_shows_its_checked_facts_and_leads_to_the_map(screen, town):
    screen.open("/upload")
    choose(screen, town.path)
    expect(screen.page.get_by_text("made_town.tif is ready")).to_be_visible()
    for fact in ("900 × 700 px", "3 × uint8", "30.0 cm", "5.67 ha", "EPSG:32633"):
        expect(screen.page.get_by_text(fact, exact=True)).to_be_visible()
    screen.page.get_by_role("link", name="Show on the map").first.click()
    expect(screen.target).to_contain_text("Whole scene · 5.67 ha")


def test_text_named_tif_is_refused_with_the_servers_sentence(screen, tmp_path):
    fake = tmp_path / "notes.tif"
    fake.write_text("These are only notes.\n" * 50)
    screen.open("/upload")
    choose(screen, fake)
    expect(screen.page.get_by_role("alert")).to_contain_text("notes.tif is not a GeoTIFF")
    screen.complaints.clear()  # Chromium reports the 415 itself


def test_upload_can_be_cancelled_and_leaves_nothing(screen, town, owner, site):
    """At once, when nothing may be on its way yet, and with a piece under way on a line that hangs."""
    hanging = []
    screen.open("/upload")
    before = scene_count(site, owner)
    screen.page.route("**/api/v1/uploads/*", lambda route: hanging.append(route.request.method))
    for wait in (False, True):
        choose(screen, town.path)
        if wait:
            screen.wait_until(lambda: "PATCH" in hanging, "a piece on its way")
        screen.button("Cancel").click()
        expect(screen.page.get_by_text("Cancelled. Nothing was kept.")).to_be_visible()
        expect(screen.button("Choose a file")).to_be_enabled()
        screen.button("Dismiss").click()
        hanging.clear()
    assert scene_count(site, owner) == before


def test_upload_goes_on_after_the_connection_broke(screen, owner, site, tmp_path):
    """12 MB in two pieces; the second one is cut off twice."""
    bands = np.random.default_rng(2).integers(0, 255, (3, 2000, 2000)).astype(np.uint8)
    path = write_scene(tmp_path / "noise_town.tif", bands, compress=None)
    cuts, offsets = iter([True, True]), []

    def cut(route):
        if route.request.method == "PATCH":
            offsets.append(int(route.request.headers["upload-offset"]))
        if offsets and offsets[-1] > 0 and route.request.method == "PATCH" and next(cuts, False):
            route.abort("connectionreset")
        else:
            route.continue_()

    screen.page.route("**/api/v1/uploads/*", cut)
    screen.open("/upload")
    choose(screen, path)
    expect(screen.page.get_by_text("The connection broke. Going on in")).to_be_visible()
    expect(screen.page.get_by_text("noise_town.tif is ready")).to_be_visible()
    assert offsets == [0, 8 * 2**20, 8 * 2**20, 8 * 2**20]
    file = next(view for view in list_files(site.resources, owner) if view.name == "noise_town.tif")
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    screen.complaints.clear()  # Chromium reports the broken connections itself


def test_scene_is_deleted_after_a_question(make_screen, site, town):
    person = site.person("deleter")
    upload(site.resources, person, town.path)
    screen = make_screen()
    screen.sign_in("deleter", "/upload")
    expect(screen.page.get_by_text("made_town.tif")).to_be_visible()
    screen.button("Delete").click()
    expect(screen.page.get_by_text("removed for good")).to_be_visible()
    screen.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(screen.page.get_by_text("No scenes yet.")).to_be_visible()
    assert scene_count(site, person) == 0


def scene_count(site, person):
    return len(list_scenes(site.resources, person))
