"""A real site, a real browser, and a made-up town to look at."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from auth.principals import Principal
from processing.params import ExtractionParams
from tests.browser.screen import ARGUMENTS, CHROMIUM, PATIENCE_MS, Screen
from tests.browser.site import Site, running_site
from tests.browser.town import Town, upload, write_town
from tests.support.mailbox import Mailbox, running_mailbox
from tests.support.processes import wait_until
from webapp.services import jobs
from webapp.services.views import JobView, SceneView
from webapp.settings import Settings

OWNER = "ada"


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """The mail server that the site sends to."""
    with running_mailbox() as running:
        yield running


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Iterator[Site]:
    """The whole product as processes of their own."""
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not installed (apt-get install chromium): {CHROMIUM} is missing")
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        patch.setitem(Settings.model_config, "env_file", None)
        with running_site(tmp_path_factory.mktemp("site"), mailbox.address) as running:
            yield running


@pytest.fixture(scope="session")
def browser(site: Site) -> Iterator[Browser]:
    """One Chromium for all tests; each page has a context of its own."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def owner(site: Site) -> Principal:
    """The person whom the town belongs to."""
    return site.person(OWNER)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A GeoTIFF made in code."""
    return write_town(tmp_path_factory.mktemp("town") / "made_town.tif")


@pytest.fixture(scope="session")
def scene(site: Site, owner: Principal, town: Town) -> SceneView:
    """The town, uploaded."""
    return upload(site.resources, owner, town.path)


@pytest.fixture(scope="session")
def finished_job(site: Site, owner: Principal, scene: SceneView) -> JobView:
    """An extraction of the whole town that the worker has done."""
    job = jobs.submit_extraction(site.resources, owner, scene.id, ExtractionParams())

    def ended() -> JobView | None:
        now = jobs.get_job(site.resources, owner, job.id)
        return now if now.is_finished else None

    done = wait_until(ended, 90, "the extraction of the town")
    assert done.state == "succeeded", done.error_message
    return done


@pytest.fixture
def make_screen(site: Site, browser: Browser) -> Iterator[Callable[..., Screen]]:
    """Open pages; at the end none of them may have complained or asked another host."""
    screens: list[Screen] = []

    def make(size_px: tuple[int, int] = (1440, 900), cookies: list[Any] | None = None) -> Screen:
        context = browser.new_context(viewport={"width": size_px[0], "height": size_px[1]})
        context.add_cookies(cookies or [])
        screens.append(Screen(context.new_page(), site))
        return screens[-1]

    yield make
    complaints = [complaint for screen in screens for complaint in screen.complaints]
    for screen in screens:
        screen.page.context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def owners_cookies(site: Site, browser: Browser, owner: Principal) -> list[Any]:
    """The cookies of a session of the owner, got by the login form once."""
    context = browser.new_context()
    Screen(context.new_page(), site).sign_in(owner.username, target="/jobs")
    cookies = context.cookies()
    context.close()
    return cookies


@pytest.fixture
def screen(make_screen: Callable[..., Screen], owners_cookies: list[Any]) -> Screen:
    """A wide page of the owner, signed in."""
    return make_screen(cookies=owners_cookies)
