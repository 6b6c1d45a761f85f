"""A readable name for what a browser says of itself."""

import re

BROWSERS = (
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\b(?:OPR|Opera)/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|HeadlessChrome|Chromium)/"),
    ("Safari", r"\bVersion/[\d.]+.*\bSafari/"),
    ("QGIS", r"\bQGIS/"),
    ("curl", r"^curl/"),
    ("Python", r"^(?:python-|Python/)"),
)
SYSTEMS = (
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("ChromeOS", r"CrOS"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)
"""The order counts: most browsers claim to be older ones, too, and phones to be Linux or a Mac."""
UNKNOWN = "Unknown program"
SHOWN_LENGTH = 40


def browser_name(user_agent: str) -> str:
    """Return for example `Firefox on Windows`; of programs that nobody knows, the first word."""
    browser = _first(BROWSERS, user_agent)
    system = _first(SYSTEMS, user_agent)
    if browser is None:
        word = user_agent.split("/")[0].strip()[:SHOWN_LENGTH]
        browser = word if word and word != "Mozilla" else UNKNOWN
    return f"{browser} on {system}" if system else browser


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for name, pattern in known if re.search(pattern, user_agent)), None)
