"""What a test does with an open page: signing in, finding places on the map, reading what the map shows."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from tests.browser.site import PASSWORD, Site

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 30_000
REFUSED_TILE = re.compile(r"status of 401|bokeh.*(unable|attempting) to load /tiles/")
VIEW = """() => {
  const plot = Bokeh.documents[0].get_model_by_name("map")
  const view = Bokeh.documents[0].views_manager.find_one(plot)
  const box = view.canvas_view.events_el.getBoundingClientRect()
  return {left: box.left, top: box.top, width: plot.inner_width, height: plot.inner_height,
    west: plot.x_range.start, east: plot.x_range.end, south: plot.y_range.start, north: plot.y_range.end}
}"""
FIRST_RING = """(name) => {
  const plot = Bokeh.documents[0].get_model_by_name("map")
  const renderer = plot.renderers.find((one) => one.name === name)
  const {xs, ys} = renderer.data_source.data
  return xs.length === 0 ? null : [...xs[0][0][0]].map((x, index) => [x, ys[0][0][0][index]])
}"""


@dataclass(frozen=True)
class MapView:
    """What the map shows: the frame in screen pixels, the ranges in map metres."""

    left: float
    top: float
    width: float
    height: float
    west: float
    east: float
    south: float
    north: float

    @property
    def x_m_per_px(self) -> float:
        return (self.east - self.west) / self.width

    @property
    def y_m_per_px(self) -> float:
        return (self.north - self.south) / self.height

    def pixel_of(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return the place on the screen of a place on the map."""
        return self.left + (x_m - self.west) / self.x_m_per_px, self.top + (self.north - y_m) / self.y_m_per_px


@dataclass
class Screen:
    """One open page, and all that went wrong in it."""

    page: Page
    site: Site
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("request", lambda request: self._see(request.url))

    def fill_login(self, username: str, password: str = PASSWORD) -> None:
        """Send the login form that is open."""
        self.page.fill("input[name=username]", username)
        self.page.fill("input[name=password]", password)
        self.page.keyboard.press("Enter")

    def sign_in(self, username: str, target: str) -> None:
        """Go to a page by way of the login."""
        self.page.goto(f"{self.site.url}/login?next={target}")
        self.fill_login(username)
        self.page.wait_for_url(self.site.url + target)
        expect(self.button("Sign out")).to_be_visible()

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)
        expect(self.button("Sign out")).to_be_visible()

    def open_map(self, scene_id: str, job_id: str | None = None) -> None:
        """Open the map on a scene, and wait until it shows it."""
        self.open(f"/?scene={scene_id}" + (f"&job={job_id}" if job_id else ""))
        expect(self.button("Extract here")).to_be_visible()
        self.page.wait_for_function(
            """() => {
              const plot = Bokeh.documents[0].get_model_by_name("map")
              return plot.inner_width > 0 && plot.x_range.end - plot.x_range.start < 5000
            }"""
        )
        self.settled_view()

    def forgive_refusals(self) -> None:
        """Forget what a page says whose login ended under it: tiles that were on their way are refused."""
        self.complaints[:] = [complaint for complaint in self.complaints if not REFUSED_TILE.search(complaint)]

    def button(self, name: str):
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def target(self):
        """The words beside "Extract here": what would be extracted."""
        return self.page.locator(".bf-target")

    def view(self) -> MapView:
        return MapView(**self.page.evaluate(VIEW))

    def settled_view(self) -> MapView:
        """Return the view once it no longer changes."""
        before = self.view()
        while True:
            self.page.wait_for_timeout(400)
            now = self.view()
            if now == before:
                return now
            before = now

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Let the page go on until something holds."""
        for _ in range(PATIENCE_MS // 100):
            if holds():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"not within {PATIENCE_MS} ms: {what}")

    def shape(self, renderer_name: str) -> list[list[float]] | None:
        """Return the outer ring of the first shape of a renderer, in map metres."""
        return self.page.evaluate(FIRST_RING, renderer_name)

    def start(self, button: str) -> None:
        """Press a drawing button, and wait until the map has heard of it."""
        self.button(button).click()
        expect(self.page.get_by_role("status")).to_contain_text("corner")
        drag_tool = "BoxSelectTool" if button == "Draw box" else "PanTool"
        self.page.wait_for_function(
            """(type) => Bokeh.documents[0].get_model_by_name("map").toolbar.active_drag.type === type""",
            arg=drag_tool,
        )

    def click_map(self, across: float, down: float) -> None:
        """Click at a share of the map's width and height."""
        view = self.view()
        x, y = view.left + across * view.width, view.top + down * view.height
        self.page.mouse.move(x, y)
        self.page.mouse.click(x, y)
        self.page.wait_for_timeout(350)  # two quick clicks would be a double click

    def drag_map(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        view = self.view()
        places = [(view.left + a * view.width, view.top + d * view.height) for a, d in (start, end)]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        self.page.mouse.move(*places[1], steps=8)
        self.page.mouse.up()

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") or "Content Security Policy" in text:
            self.complaints.append(f"console {kind}: {text}")

    def _see(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(self.site.url).netloc:
            self.complaints.append(f"request to {url}")
